"""Further facts of a lead that sales wants to see in the CRM: what happened before, in fields that only go out.

Some are known only to apps that the sync may not ask. They hand in a `Provider`, which the composition root registers:
so that the sync and whoever interprets the facts never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min

from leads.models import Company, Lead, LifecyclePassage, Stage, Touchpoint
from leads.past.news import changed_after
from leads.queries.scoring import scores_as_shown

Values = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Since:
    """From where on changes are asked for: by the clock of whoever stamps rows, with an overlap, and by the moments of
    commits, which are exact for rows with a past."""

    clock: datetime
    commits: datetime


@dataclass(frozen=True, slots=True)
class Provider:
    """``labels`` are the words for people by name; ``values`` tells them by lead, a fixed number of queries whatever
    their number; ``changed`` names leads whose values may have changed since then, for those it leaves untold."""

    labels: Mapping[str, str]
    values: Callable[[Collection[int]], Values]
    changed: Callable[[Since], Collection[int]]


_registered: list[Provider] = []


def register_provider(provider: Provider) -> None:
    """Add facts that another app knows. Names are unique."""
    taken = {name for each in providers() for name in each.labels}
    if twice := taken & provider.labels.keys():
        raise ValueError(f"{min(twice)} is provided twice")
    _registered.append(provider)


def providers() -> list[Provider]:
    """Ours first, then those of other apps."""
    return [OWN, *_registered]


def further_labels() -> dict[str, str]:
    """What there is, by name, in words."""
    return {name: label for each in providers() for name, label in each.labels.items()}


def further_values(*, lead_ids: Collection[int], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """The facts that are asked for, by lead; None for what is not known. Providers that nobody asks cost nothing."""
    found: dict[int, dict[str, Any]] = {pk: {} for pk in lead_ids}
    for each in providers():
        wanted = [name for name in each.labels if name in names]
        if not wanted:
            continue
        values = each.values(lead_ids)
        for pk in lead_ids:
            found[pk] |= {name: values.get(pk, {}).get(name) for name in wanted}
    return found


def changed_since(*, since: Since, names: Collection[str]) -> set[int]:
    """Leads whose facts of these names may have changed."""
    return {pk for each in providers() if each.labels.keys() & set(names) for pk in each.changed(since)}


def _values(lead_ids: Collection[int]) -> Values:
    """When they became an MQL, the campaign of their newest contact, and why they have their score. Four queries."""
    tz = Company.current().tz
    found: dict[int, dict[str, Any]] = {pk: {} for pk in lead_ids}
    passages = LifecyclePassage.objects.filter(lead__in=lead_ids, to_stage=Stage.MQL).values_list("lead")
    for pk, first in passages.annotate(first=Min("passed_at")):
        found[pk]["mql_at"] = first.astimezone(tz).date()
    touches = Touchpoint.objects.genuine().filter(lead__in=lead_ids, campaign__isnull=False)
    for pk, name in touches.order_by("occurred_at", "pk").values_list("lead", "campaign__name"):
        found[pk]["last_campaign"] = name
    for pk, score in scores_as_shown(lead_ids).items():
        found[pk]["score_reasons"] = "; ".join(f"{each.rule} {each.points:+d}" for each in score.reasons)
    return found


def _changed(since: Since) -> Collection[int]:
    """A contact changes no column of a lead that has been in touch before."""
    changed = changed_after(Touchpoint, since.commits)
    rows = Touchpoint.objects.filter(pk__in=changed, campaign__isnull=False, lead__merged_into__isnull=True)
    return set(Lead.objects.filter(touchpoints__in=rows).values_list("pk", flat=True))


OWN = Provider(
    {"mql_at": "MQL date", "last_campaign": "Last campaign", "score_reasons": "Score reasons"}, _values, _changed
)
