"""Journeys: the eligible touches before each opportunity's milestone, as sorted columns.

Everything here is a column (one numpy array per attribute). The order of the input rows never matters:
touches are sorted by (opportunity, occurred_at, id), and two touches may not share all three.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from attribution.pure.ordering import Flags, Ints, order_within

UNKNOWN = -1
DAY = 86_400_000_000
"""Microseconds in a day."""

REASONS = ("bot", "internal", "not_marketing", "suppressed_channel", "after_milestone", "outside_look_back")
"""Why a touch takes no part, in order of precedence; ``Rejected.code`` indexes this tuple."""


@dataclass(frozen=True, eq=False)
class Touches:
    """Candidate touches, one row per (opportunity, touch), in any order.

    ``opportunity`` indexes ``Milestones``; ``id`` identifies the touch (one touch may stand in several
    opportunities); ``campaign`` and ``channel`` are indexes or -1; ``occurred_at`` is UTC microseconds since
    1970. All are int64[rows]. The three claims are bool[rows]; left out, no touch is a bot's or internal, and
    all are marketing's.
    """

    opportunity: Ints
    id: Ints
    campaign: Ints
    channel: Ints
    occurred_at: Ints
    is_bot: Flags | None = None
    is_internal: Flags | None = None
    is_marketing: Flags | None = None

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, eq=False)
class Milestones:
    """The dates of each opportunity, int64[opportunities], UTC microseconds since 1970.

    ``milestone_at`` is the moment of the named conversion (created or won); pass only opportunities that
    reached it. ``closed_at`` is -1 while the deal is open. The touch that made the person known is named by
    ``lead_touch`` (touch id or -1); where it is -1, it is the last touch at or before ``lead_created_at`` (or
    -1: unknown).
    """

    created_at: Ints
    closed_at: Ints
    milestone_at: Ints
    lead_touch: Ints | None = None
    lead_created_at: Ints | None = None

    def __len__(self) -> int:
        return len(self.milestone_at)


@dataclass(frozen=True)
class Settings:
    """What counts as a touch, and which channels people start themselves.

    ``look_back_days`` is counted back from the milestone, both ends included; None means no limit. Touches in
    ``suppressed_channels`` never count. ``excluded_channels`` are the self-initiated ones (direct, organic,
    brand search, retargeting): they stay in the journey, and only methods that exclude them pass them over.
    """

    look_back_days: int | None = None
    excluded_channels: frozenset[int] = field(default_factory=frozenset)
    suppressed_channels: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, eq=False)
class Rejected:
    """Touches that take no part: ``row`` int64 positions in the input, ascending; ``code`` int64 into
    REASONS."""

    row: Ints
    code: Ints

    def reasons(self) -> list[str]:
        """Return one reason per rejected row."""
        return [REASONS[code] for code in self.code]


@dataclass(frozen=True, eq=False)
class Journeys:
    """Non-empty journeys; touches sorted by (opportunity, occurred_at, id).

    Per touch: ``row`` (position in the input), ``journey``, ``occurred_at`` and ``age`` (microseconds before
    the milestone), int64. Per journey: ``opportunity``, ``starts`` (offset of its first touch), and the index
    of the touch holding each position, or -1: ``first``, ``lead_creation``, ``opportunity_creation``,
    ``closing``. ``unattributed`` lists the opportunities without an eligible touch.
    """

    touches: Touches
    milestones: Milestones
    settings: Settings
    row: Ints
    journey: Ints
    occurred_at: Ints
    age: Ints
    opportunity: Ints
    starts: Ints
    lead_creation: Ints
    opportunity_creation: Ints
    closing: Ints
    unattributed: Ints

    def __len__(self) -> int:
        """Return the number of journeys."""
        return len(self.starts)

    @property
    def first(self) -> Ints:
        """The first touch of each journey, int64[journeys]."""
        return self.starts

    @cached_property
    def last(self) -> Ints:
        """The newest touch of each journey, int64[journeys]."""
        return self.starts + self.lengths - 1

    @cached_property
    def lengths(self) -> Ints:
        """Touches per journey, int64[journeys], each at least 1."""
        return np.diff(self.starts, append=len(self.row))

    # Columns a run may not need are gathered from the input only when asked for: a gather is as dear as a
    # method.
    @cached_property
    def touch(self) -> Ints:
        """Touch ids, int64[touches]."""
        return self.touches.id[self.row]

    @cached_property
    def campaign(self) -> Ints:
        """Campaign indexes, int64[touches]."""
        return self.touches.campaign[self.row]

    @cached_property
    def channel(self) -> Ints:
        """Channel indexes, int64[touches]."""
        return self.touches.channel[self.row]

    @cached_property
    def is_self_initiated(self) -> Flags:
        """Whether the touch came through a channel people start themselves, bool[touches]."""
        return _is_in(self.channel, self.settings.excluded_channels)


def build(touches: Touches, milestones: Milestones, settings: Settings) -> tuple[Journeys, Rejected]:
    """Sort the eligible touches into journeys and say why the others are left out.

    Raises ValueError when columns differ in length, an opportunity is out of range, a milestone is missing,
    or a touch stands twice in an opportunity at the same moment.
    """
    _check(touches, milestones)
    code = _rejection_codes(touches, milestones, settings)
    rejected_rows = np.flatnonzero(code >= 0)
    rejected = Rejected(row=rejected_rows, code=code[rejected_rows].astype(np.int64))
    eligible = None if len(rejected_rows) == 0 else np.flatnonzero(code < 0)
    return _sorted(touches, milestones, settings, eligible), rejected


def _sorted(touches: Touches, milestones: Milestones, settings: Settings, eligible: Ints | None) -> Journeys:
    def column(values: Ints) -> Ints:
        return values if eligible is None else values[eligible]

    opportunity, occurred_at = column(touches.opportunity), column(touches.occurred_at)
    order = order_within(opportunity, occurred_at, column(touches.id))
    row = order if eligible is None else eligible[order]
    occurred_at = occurred_at[order]
    lengths = np.bincount(opportunity, minlength=len(milestones))
    with_touches = np.flatnonzero(lengths)
    lengths = lengths[with_touches]
    starts = np.cumsum(lengths) - lengths
    journey = np.repeat(np.arange(len(starts)), lengths)
    _refuse_doubles(touches, row, journey, occurred_at)
    lead_creation, opportunity_creation, closing = _positions(
        touches,
        milestones,
        row=row,
        journey=journey,
        occurred_at=occurred_at,
        opportunity=with_touches,
        starts=starts,
        lengths=lengths,
    )
    return Journeys(
        touches=touches,
        milestones=milestones,
        settings=settings,
        row=row,
        journey=journey,
        occurred_at=occurred_at,
        age=np.repeat(milestones.milestone_at[with_touches], lengths) - occurred_at,
        opportunity=with_touches,
        starts=starts,
        lead_creation=lead_creation,
        opportunity_creation=opportunity_creation,
        closing=closing,
        unattributed=np.flatnonzero(np.bincount(with_touches, minlength=len(milestones)) == 0),
    )


def _positions(
    touches: Touches,
    milestones: Milestones,
    *,
    row: Ints,
    journey: Ints,
    occurred_at: Ints,
    opportunity: Ints,
    starts: Ints,
    lengths: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Return the touch holding LC, OC and CW in each journey, or -1."""

    def last_until(moment: Ints) -> Ints:
        if len(starts) == 0:
            return starts
        early = np.add.reduceat(occurred_at <= np.repeat(moment, lengths), starts, dtype=np.int64)
        return np.where(early > 0, starts + early - 1, UNKNOWN)

    opportunity_creation = last_until(milestones.created_at[opportunity])
    closed_at = milestones.closed_at[opportunity]
    sees_close = (closed_at != UNKNOWN) & (closed_at <= milestones.milestone_at[opportunity])
    closing = np.where(sees_close, starts + lengths - 1, UNKNOWN)

    lead_creation = np.full(len(starts), UNKNOWN)
    if milestones.lead_created_at is not None:
        known_at = milestones.lead_created_at[opportunity]
        lead_creation = np.where(known_at == UNKNOWN, UNKNOWN, last_until(known_at))
    if milestones.lead_touch is not None:
        named = milestones.lead_touch[opportunity]
        # A named touch that is not eligible leaves the position empty: no other touch made the person known.
        lead_creation[named != UNKNOWN] = UNKNOWN
        # From the end, so that the earliest wins should one id stand twice at different moments.
        named_here = np.repeat(named, lengths)
        found = np.flatnonzero((touches.id[row] == named_here) & (named_here != UNKNOWN))[::-1]
        lead_creation[journey[found]] = found
    return lead_creation, opportunity_creation, closing


def _rejection_codes(touches: Touches, milestones: Milestones, settings: Settings) -> NDArray[np.int8]:
    """Return int8[rows]: an index into REASONS, or -1 for an eligible touch; the first that applies wins."""
    closed_at, cut = milestones.closed_at, milestones.milestone_at
    # Touches after close never count, even when the milestone is later.
    cut = np.where(closed_at == UNKNOWN, cut, np.minimum(closed_at, cut))
    code = np.full(len(touches), UNKNOWN, dtype=np.int8)

    def reject(reason: str, applies: Flags) -> None:
        code[applies] = REASONS.index(reason)

    # Lowest precedence first: later reasons overwrite earlier ones.
    if settings.look_back_days is not None:
        earliest = (milestones.milestone_at - settings.look_back_days * DAY)[touches.opportunity]
        reject("outside_look_back", touches.occurred_at < earliest)
    reject("after_milestone", touches.occurred_at > cut[touches.opportunity])
    if settings.suppressed_channels:
        reject("suppressed_channel", _is_in(touches.channel, settings.suppressed_channels))
    if touches.is_marketing is not None:
        reject("not_marketing", ~touches.is_marketing)
    if touches.is_internal is not None:
        reject("internal", touches.is_internal)
    if touches.is_bot is not None:
        reject("bot", touches.is_bot)
    return code


def _is_in(channel: Ints, channels: frozenset[int]) -> Flags:
    return np.isin(channel, np.array(sorted(channels), dtype=np.int64))


def _check(touches: Touches, milestones: Milestones) -> None:
    for name, columns in (("touches", touches), ("milestones", milestones)):
        for column, values in vars(columns).items():
            if values is not None and len(values) != len(columns):
                raise ValueError(f"{name}.{column} has {len(values)} rows, expected {len(columns)}")
    if len(milestones) and milestones.milestone_at.min() < 0:
        raise ValueError("every opportunity must have reached its milestone")
    if len(touches) and not 0 <= touches.opportunity.min() <= touches.opportunity.max() < len(milestones):
        raise ValueError("touches.opportunity is out of range")


def _refuse_doubles(touches: Touches, row: Ints, journey: Ints, occurred_at: Ints) -> None:
    """Refuse a touch standing twice at one moment: which of the two came first would hang on the row
    order."""
    left = np.flatnonzero((occurred_at[1:] == occurred_at[:-1]) & (journey[1:] == journey[:-1]))
    doubled = left[touches.id[row[left]] == touches.id[row[left + 1]]]
    if len(doubled):
        raise ValueError(f"touch {touches.id[row[doubled[0]]]} stands twice in one opportunity")
