"""Measures the three accuracies, each by itself: what is captured, what people say, what is caused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

from django.db import transaction

from attribution.actions.accuracy.send_contacts import send_contacts
from attribution.models import AccuracyCheck, AttributionRules, Credit, SourceCheck
from attribution.pure.accuracy.accuracy import summed_up, try_methods
from attribution.pure.accuracy.capture_truth import DOMAIN, TROUBLES, Sent, Truth, made_up
from attribution.pure.accuracy.scenarios import REPORTING, scenarios
from attribution.queries.rules import methods
from leads.models import Touchpoint
from leads.pure.intervals import wilson

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is."""

PEOPLE = 405
"""Made-up people of a capture check, as many of each trouble: some 1,800 contacts."""
_TOLD_EVERY = 5
"""People between two words of progress, each of which is a write of its own."""
MARKET = 8_000
"""People in each market of a causal check; the published figures have more (benchmarks/accuracy.json)."""
HEADLINE = ("additive_hazard", "last_non_self_initiated")
"""Whose figure is shown first, the other where there is no fit yet. Not the best of all: luck would pick it."""


def check_capture(*, at: datetime, seed: int, progress: Progress | None = None, people: int = PEOPLE) -> AccuracyCheck:
    """Send made-up people through the capture API, imports and merges, see where their contacts arrive, and take
    everything back. ``at`` is the moment deemed now and not in the future, for the API looks at the clock.

    The value is the share of contacts that arrive once, on the right lead and campaign (a machine's: that are left
    out). ``results`` holds a row per trouble.
    """
    started = perf_counter()
    right, seen = Counter[str](), Counter[str]()
    for person in range(people):
        # One at a time: on SQLite nobody else can write meanwhile.
        for truth, is_right in _sent_and_taken_back(made_up(person=person, seed=seed, at=at), at):
            seen[truth.trouble] += 1
            right[truth.trouble] += is_right
        if progress and (person % _TOLD_EVERY == 0 or person + 1 == people):
            progress("Sending contacts", person + 1, people)
    results = [
        {"trouble": trouble, "name": name, **_share(right[trouble], seen[trouble])}
        for trouble, name in TROUBLES.items()
        if seen[trouble]
    ]
    whole = _share(right.total(), seen.total())
    return _kept(AccuracyCheck.Kind.CAPTURE, whole, results, at=at, seed=seed, started=started)


def _sent_and_taken_back(sent: Sent, at: datetime) -> list[tuple[Truth, bool]]:
    with transaction.atomic():
        send_contacts(steps=sent.steps, at=at)
        found = _arrived([truth.at for truth in sent.truths])
        # Nothing of it may stay: no rows, and nothing that waits for the commit.
        transaction.set_rollback(True)
    return [(truth, found[truth.at] == _expected(truth)) for truth in sent.truths]


def _expected(truth: Truth) -> list[tuple[str | None, str | None]]:
    return [(truth.lead, truth.campaign)] if truth.lead else []


def _arrived(moments: Sequence[datetime]) -> defaultdict[datetime, list[tuple[str | None, str | None]]]:
    """Moment of a contact → the lead and campaign of every genuine touch it made."""
    found = defaultdict[datetime, list[tuple[str | None, str | None]]](list)
    rows = Touchpoint.objects.genuine().filter(occurred_at__in=moments, lead__email__endswith=DOMAIN)
    for moment, email, campaign in rows.values_list("occurred_at", "lead__email", "campaign__code"):
        found[moment].append((email, campaign))
    return found


def check_agreement(*, at: datetime) -> AccuracyCheck:
    """Compare each method's first campaign of a deal with what sales or the customer says brought it.

    A method's campaign is the one it credits most, on a tie the one touched first. Where only a channel was named, the
    channel has to agree. ``results`` holds a row per method; the value is that of HEADLINE. Answers "nobody knows"
    are left out; what sales checked goes before what the customer said.
    """
    started = perf_counter()
    said = _said(at)
    credited = credited_most(deals=list(said))
    results: list[dict[str, Any]] = []
    for method in methods():
        found = credited[method.key]
        agrees = sum(agrees_with(said=said[deal], credited=found.get(deal)) for deal in said)
        results.append({"method": method.key, "name": method.name, **_share(agrees, len(said))})
    results.sort(key=lambda row: (-(row["value"] or 0), row["method"]))
    headline = min((row for row in results if row["method"] in HEADLINE), key=lambda row: HEADLINE.index(row["method"]))
    return _kept(AccuracyCheck.Kind.AGREEMENT, headline, results, at=at, seed=None, started=started)


Place = tuple[int | None, int | None]
"""Ids of a campaign and of a channel."""


def _said(at: datetime) -> dict[int, Place]:
    rows = SourceCheck.objects.filter(answered_at__lte=at, channel__isnull=False) | SourceCheck.objects.filter(
        answered_at__lte=at, campaign__isnull=False
    )
    # "sales" sorts before "self_reported": read last, it stays.
    answers = rows.order_by("-origin", "pk").values_list("opportunity_id", "campaign_id", "channel_id")
    return {deal: (campaign, channel) for deal, campaign, channel in answers}


def credited_most(*, deals: Sequence[int]) -> defaultdict[str, dict[int, Place]]:
    """Method → deal → the place it credits most; of equals the one touched first."""
    scope = AttributionRules.objects.get(pk=1).scope
    weights = defaultdict[tuple[str, int], dict[Place, float]](dict)
    for start in range(0, len(deals), 500):
        rows = Credit.objects.filter(scope=scope, opportunity_id__in=deals[start : start + 500], weight__gt=0)
        fields = ("method", "opportunity_id", "campaign_id", "channel_id", "weight")
        credits = rows.filter(touchpoint__isnull=False).order_by("touched_at", "touchpoint_id").values_list(*fields)
        for method, deal, campaign, channel, weight in credits:
            own = weights[method, deal]
            own[campaign, channel] = own.get((campaign, channel), 0.0) + weight
    found = defaultdict[str, dict[int, Place]](dict)
    for (method, deal), own in weights.items():
        found[method][deal] = max(own, key=lambda place: round(own[place], 9))
    return found


def agrees_with(*, said: Place, credited: Place | None) -> bool:
    if credited is None:
        return False
    return said[0] == credited[0] if said[0] is not None else said[1] == credited[1]


def check_causal(*, at: datetime, seed: int, progress: Progress | None = None, people: int = MARKET) -> AccuracyCheck:
    """Try every method on markets of known truth; the value is the additive hazard's mean, ``low`` its worst scenario.

    ``results`` holds a row per method with mean, worst, over-claim and every scenario. Seeds used to tune the methods
    would flatter them: pass another.
    """
    started = perf_counter()
    markets = scenarios(REPORTING, seed)
    scores = []
    for index, scenario in enumerate(markets):
        scores += try_methods(scenario, people=people, seed=seed * 100 + index)
        if progress:
            progress(scenario.name, index + 1, len(markets))
    results = summed_up(scores)
    best = next(row for row in results if row["method"] == HEADLINE[0])
    whole = {"value": best["value"], "low": best["worst"], "high": None, "sample": people * len(markets)}
    return _kept(AccuracyCheck.Kind.CAUSAL, whole, results, at=at, seed=seed, started=started)


def _share(right: int, seen: int) -> dict[str, Any]:
    """A share with its Wilson interval; unknown where nothing was seen."""
    if not seen:
        return {"value": None, "low": None, "high": None, "sample": 0}
    interval = wilson(right, seen)
    return {
        "value": round(right / seen, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "sample": seen,
    }


def _kept(
    kind: AccuracyCheck.Kind,
    whole: dict[str, Any],
    results: list[dict[str, Any]],
    *,
    at: datetime,
    seed: int | None,
    started: float,
) -> AccuracyCheck:
    return AccuracyCheck.objects.create(
        kind=kind,
        value=whole["value"],
        low=whole["low"],
        high=whole["high"],
        sample=whole["sample"],
        seed=seed,
        results=results,
        measured_at=at,
        seconds=round(perf_counter() - started, 3),
    )
