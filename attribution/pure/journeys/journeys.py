"""Journeys: the eligible touches before each opportunity's milestone, as sorted columns.

Everything here is a column (one numpy array per attribute). The order of the input rows never matters:
touches are sorted by (opportunity, occurred_at, id), and two touches may not share all three.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Flags, Floats, Ints, gathered, grouped_order, take_into
from attribution.pure.columns.parallel import each, slices

Number = TypeVar("Number", np.int64, np.float64)
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
    age: Ints
    opportunity: Ints
    starts: Ints

    def __len__(self) -> int:
        """Return the number of journeys."""
        return len(self.starts)

    def spread(self, values: NDArray[Number]) -> NDArray[Number]:
        """Give each touch its journey's value: [journeys] to [touches]."""
        # Three times as fast as np.repeat by lengths, which copies journey by journey.
        return values.take(self.journey)

    def sums(self, values: Floats) -> Floats:
        """Sum the touches of each journey, first to last: float64[touches] to float64[journeys]."""
        # Not np.add.reduceat: it starts anew for every journey, and these are short.
        return np.bincount(self.journey, weights=values, minlength=len(self)).astype(np.float64, copy=False)

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
        return np.append(self.starts[1:], len(self.row)) - self.starts if len(self) else self.starts

    # Columns a run may not need are gathered from the input only when asked for: a gather is as dear as a
    # method.
    @cached_property
    def occurred_at(self) -> Ints:
        """Moments, int64[touches], UTC microseconds since 1970."""
        return self.spread(self.milestones.milestone_at[self.opportunity]) - self.age

    @cached_property
    def touch(self) -> Ints:
        """Touch ids, int64[touches]."""
        return gathered(self.touches.id, self.row)

    @cached_property
    def campaign(self) -> Ints:
        """Campaign indexes, int64[touches]."""
        return gathered(self.touches.campaign, self.row)

    @cached_property
    def channel(self) -> Ints:
        """Channel indexes, int64[touches]."""
        return gathered(self.touches.channel, self.row)

    @cached_property
    def is_self_initiated(self) -> Flags:
        """Whether the touch came through a channel people start themselves, bool[touches]."""
        return _is_in(self.channel, self.settings.excluded_channels)

    @cached_property
    def lead_creation(self) -> Ints:
        """The touch that made the person known, int64[journeys], or -1."""
        dates = self.milestones
        holder = np.full(len(self), UNKNOWN)
        if dates.lead_created_at is not None:
            known_at = dates.lead_created_at[self.opportunity]
            holder = np.where(known_at == UNKNOWN, UNKNOWN, self._last_until(known_at))
        if dates.lead_touch is not None:
            named = dates.lead_touch[self.opportunity]
            # A named touch that is not eligible leaves the position empty: no other touch made the person known.
            holder[named != UNKNOWN] = UNKNOWN
            named_here = self.spread(named)
            # From the end, so that the earliest wins should one id stand twice at different moments.
            found = np.flatnonzero((self.touch == named_here) & (named_here != UNKNOWN))[::-1]
            holder[self.journey[found]] = found
        return holder

    @cached_property
    def opportunity_creation(self) -> Ints:
        """The last touch until the opportunity was created, int64[journeys], or -1."""
        return self._last_until(self.milestones.created_at[self.opportunity])

    @cached_property
    def closing(self) -> Ints:
        """The last touch until the close, int64[journeys], or -1 where the milestone comes before it."""
        closed_at = self.milestones.closed_at[self.opportunity]
        sees_close = (closed_at != UNKNOWN) & (closed_at <= self.milestones.milestone_at[self.opportunity])
        return np.where(sees_close, self.last, UNKNOWN)

    @cached_property
    def unattributed(self) -> Ints:
        """The opportunities without an eligible touch, int64, ascending."""
        return np.delete(np.arange(len(self.milestones)), self.opportunity)

    def _last_until(self, moment: Ints) -> Ints:
        """Return the newest touch at or before each journey's moment, int64[journeys], or -1."""
        youngest = self.spread(self.milestones.milestone_at[self.opportunity] - moment)
        is_early = self.age >= youngest
        # Touches are in order, so the early ones of a journey come first: the one before a late one or the end.
        is_newest = is_early.copy()
        is_newest[:-1] &= ~is_early[1:]
        is_newest[self.last] = is_early[self.last]
        found = np.flatnonzero(is_newest)
        holder = np.full(len(self), UNKNOWN)
        holder[self.journey[found]] = found
        return holder


def build(touches: Touches, milestones: Milestones, settings: Settings) -> tuple[Journeys, Rejected]:
    """Sort the eligible touches into journeys and say why the others are left out.

    Raises ValueError when columns differ in length, an opportunity is out of range, a milestone is missing,
    or a touch stands twice in an opportunity at the same moment.
    """
    _check(touches, milestones)
    age = np.empty(len(touches), dtype=np.int64)

    def measure(part: slice) -> None:
        take_into(age[part], milestones.milestone_at, touches.opportunity[part])
        age[part] -= touches.occurred_at[part]

    each(measure, slices(len(touches)))
    code = _rejection_codes(touches, milestones, settings, age)
    rejected_rows = np.flatnonzero(code >= 0)
    rejected = Rejected(row=rejected_rows, code=code[rejected_rows].astype(np.int64))
    eligible = None if len(rejected_rows) == 0 else np.flatnonzero(code < 0)
    if eligible is not None:
        age = age.take(eligible)
    # Negative ages ascend with time within an opportunity, and span fewer bits than moments do.
    return _sorted(touches, milestones, settings, np.negative(age, out=age), eligible), rejected


def _sorted(
    touches: Touches, milestones: Milestones, settings: Settings, moment: Ints, eligible: Ints | None
) -> Journeys:
    def column(values: Ints) -> Ints:
        return values if eligible is None else values.take(eligible)

    order = grouped_order(column(touches.opportunity), moment, column(touches.id))
    row = order.rows if eligible is None else eligible.take(order.rows)
    if len(order.doubled):
        # Which of the two came first would hang on the row order.
        raise ValueError(f"touchpoint {touches.id[row[order.doubled[0]]]} stands twice in one opportunity")
    # np.diff with a value in front would copy the column twice.
    is_start = np.ones(len(row), dtype=np.bool_)
    np.not_equal(order.group[1:], order.group[:-1], out=is_start[1:])
    starts = np.flatnonzero(is_start)
    opportunity = order.group[starts]
    place = np.zeros(len(milestones), dtype=np.int64)
    place[opportunity] = np.arange(len(starts))
    age = gathered(moment, order.rows)
    return Journeys(
        touches=touches,
        milestones=milestones,
        settings=settings,
        row=row,
        journey=order.group if len(starts) == len(milestones) else place.take(order.group),
        age=np.negative(age, out=age),
        opportunity=opportunity,
        starts=starts,
    )


def _rejection_codes(touches: Touches, milestones: Milestones, settings: Settings, age: Ints) -> NDArray[np.int8]:
    """Return int8[rows]: an index into REASONS, or -1 for an eligible touch; the first that applies wins."""
    code = np.full(len(touches), UNKNOWN, dtype=np.int8)

    def reject(reason: str, applies: Flags) -> None:
        if applies.any():
            code[applies] = REASONS.index(reason)

    # Lowest precedence first: later reasons overwrite earlier ones.
    if settings.look_back_days is not None:
        reject("outside_look_back", age > settings.look_back_days * DAY)
    # Touches after close never count, even when the milestone is later.
    since_close = np.where(milestones.closed_at == UNKNOWN, 0, milestones.milestone_at - milestones.closed_at)
    youngest = np.maximum(since_close, 0)
    reject("after_milestone", age < (youngest.take(touches.opportunity) if youngest.any() else 0))
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
