"""Lets data-driven methods learn from everybody, and keeps what they learned as a dated fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from django.db import transaction
from django.db.models import Min

from attribution.models import AttributionRules, LiftTest, MethodFit
from attribution.pure.learning.hazard import Lift
from attribution.pure.learning.learning import Learned, Lesson, Observed, PeopleColumns, TouchColumns, learned_methods
from attribution.queries.world import read_fit_points
from leads.models import Campaign, Channel, Lead, OpportunityContact, Touchpoint


def fit_methods(*, at: datetime, reason: str) -> list[MethodFit]:
    """Fit every method that learns to all people as known at ``at``; the new fits are current from then on.

    Returns the current fit of each method. A method whose inputs are those of its current fit keeps it. ``reason`` is
    kept in the fit's summary. Runs pick new fits up by themselves.
    """
    observed = _observe(at)
    lesson = Lesson(observed)
    current = {fit.method: fit for fit in MethodFit.objects.filter(is_current=True)}
    fits = []
    for method in learned_methods():
        known = current.get(method)
        if known is not None and known.inputs_hash == lesson.inputs_hash(method):
            fits.append(known)
            continue
        started = perf_counter()
        learned = lesson.learn(method)
        fits.append(_keep(learned, at=at, reason=reason, seconds=perf_counter() - started))
    return fits


def _keep(learned: Learned, *, at: datetime, reason: str, seconds: float) -> MethodFit:
    summary = learned.summary
    with transaction.atomic():
        # Two that fit at once wait for each other here, and the later one is the current one.
        AttributionRules.objects.select_for_update().get(pk=1)
        MethodFit.objects.filter(method=learned.method, is_current=True).update(is_current=False)
        return MethodFit.objects.create(
            method=learned.method,
            version=learned.version,
            parameters=learned.parameters,
            summary={**summary, "reason": reason, "top": _named(summary["top"])},
            inputs_hash=learned.inputs_hash,
            people=summary["people"],
            conversions=summary["conversions"],
            touches=summary["touches"],
            seconds=round(seconds, 3),
            fitted_at=at,
        )


def _named(top: Sequence[tuple[str, float]]) -> list[dict[str, object]]:
    """The places of a summary with their names, as they were called then."""
    kinds = {"campaign": Campaign.objects, "channel": Channel.objects}
    names: dict[str, str] = {}
    for kind, rows in kinds.items():
        ids = [int(key.split(":")[1]) for key, _ in top if key.startswith(f"{kind}:")]
        names |= {f"{kind}:{pk}": name for pk, name in rows.filter(pk__in=ids).values_list("pk", "name")}
    return [{"place": key, "name": names.get(key, key), "value": value} for key, value in top]


def _observe(at: datetime) -> Observed:
    rules = AttributionRules.objects.get(pk=1)
    people, number = _people(at)
    return Observed(
        people=people,
        touches=_touches(at, number, list(rules.suppressed_channels.values_list("pk", flat=True))),
        self_initiated=frozenset(Channel.objects.filter(is_self_initiated=True).values_list("pk", flat=True)),
        until=at,
        lifts=[
            Lift(*row)
            for row in LiftTest.objects.filter(ends_on__lte=at.date())
            .order_by("pk")
            .values_list("channel_id", "lift", "low", "high")
        ],
    )


def _people(at: datetime) -> tuple[PeopleColumns, dict[int, int]]:
    """Everybody known at ``at``, and which of them each lead is: a merged lead is the one that lives on."""
    points, converted = read_fit_points(), _converted(at)
    columns, number = PeopleColumns(), dict[int, int]()
    merged: dict[int, int] = {}
    into: int | None
    rows = Lead.objects.filter(captured_at__lte=at).order_by("pk")
    for lead, into, known_at in rows.values_list("pk", "merged_into_id", "captured_at").iterator(chunk_size=10_000):
        if into:
            merged[lead] = into
            continue
        number[lead] = len(columns.points)
        columns.points.append(points.get(lead, 0))
        columns.known_at.append(known_at)
        columns.converted_at.append(converted.get(lead))
    for lead in merged:
        survivor = _survivor(lead, merged)
        if survivor not in number:
            continue
        person = number[lead] = number[survivor]
        first, other = columns.converted_at[person], converted.get(lead)
        columns.converted_at[person] = min((moment for moment in (first, other) if moment), default=None)
    return columns, number


def _survivor(lead: int, merged: dict[int, int]) -> int:
    seen = {lead}
    while (into := merged.get(lead)) is not None and into not in seen:
        seen.add(into)
        lead = into
    return lead


def _converted(at: datetime) -> dict[int, datetime]:
    """Lead → the moment the first of their opportunities was created."""
    rows = OpportunityContact.objects.filter(opportunity__opened_at__lte=at, opportunity__deleted_at__isnull=True)
    rows = rows.order_by()
    return dict(rows.values("lead_id").annotate(first=Min("opportunity__opened_at")).values_list("lead_id", "first"))


def _touches(at: datetime, number: dict[int, int], suppressed: Sequence[int]) -> TouchColumns:
    columns = TouchColumns()
    rows = Touchpoint.objects.genuine().filter(occurred_at__lte=at).exclude(channel_id__in=suppressed).order_by()
    fields = ("lead_id", "pk", "campaign_id", "channel_id", "occurred_at")
    for lead, pk, campaign, channel, occurred_at in rows.values_list(*fields).iterator(chunk_size=20_000):
        person = number.get(lead)
        if person is None:
            continue
        columns.id.append(pk)
        columns.person.append(person)
        columns.campaign.append(campaign)
        columns.channel.append(channel)
        columns.occurred_at.append(occurred_at)
    return columns
