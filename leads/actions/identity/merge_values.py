"""Which values a lead has once another is merged into it; the preview and the merge ask the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min

from leads.models import DETAILS, Lead, LifecyclePassage, Touchpoint
from leads.pure.one_person import filled, gaps, is_empty, stands_further

# What the survivor takes over where it has nothing, beside the details: a rep comes with the territory.
_TIES = ("account_id", "owner_id")


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides between two leads beside their columns: the first genuine touch, and since when the stage holds."""

    first_touch_at: datetime | None
    stage_since: datetime | None


def standings(*, leads: Mapping[int, Lead]) -> dict[int, Standing]:
    """By lead, in two queries."""
    touches = Touchpoint.objects.genuine().filter(lead__in=leads).values_list("lead").annotate(first=Min("occurred_at"))
    first = dict(touches)
    passages = LifecyclePassage.objects.filter(lead__in=leads).values_list("lead", "to_stage")
    since = {(lead_id, stage): at for lead_id, stage, at in passages.annotate(last=Max("passed_at"))}
    return {pk: Standing(first.get(pk), since.get((pk, lead.stage))) for pk, lead in leads.items()}


def merged_values(*, survivor: Lead, loser: Lead, standing: Standing, other: Standing) -> dict[str, Any]:
    """The survivor's columns that change, by name.

    An e-mail address moves only to a survivor that has none; else it stays where it is and leads on. Whoever
    unsubscribed once has unsubscribed.
    """
    ours = {name: getattr(survivor, name) for name in (*DETAILS, *_TIES)}
    theirs = {name: getattr(loser, name) for name in ours}
    values: dict[str, Any] = {name: theirs[name] for name in gaps(ours, theirs, DETAILS)}
    values |= {name: theirs[name] for name in gaps(ours, theirs, _TIES)}
    if "owner_id" in values:
        values["territory_id"] = loser.territory_id
    values["attributes"] = filled(survivor.attributes, loser.attributes)
    if is_empty(survivor.email) and loser.email:
        values["email"] = loser.email
    values["is_unsubscribed"] = survivor.is_unsubscribed or loser.is_unsubscribed
    values["captured_at"] = min(survivor.captured_at, loser.captured_at)
    if other.first_touch_at and (standing.first_touch_at is None or other.first_touch_at < standing.first_touch_at):
        values |= {"channel_id": loser.channel_id, "campaign_id": loser.campaign_id}
    if stands_further(loser.stage, other.stage_since, survivor.stage, standing.stage_since):
        values["stage"] = loser.stage
    return {name: value for name, value in values.items() if getattr(survivor, name) != value}
