"""Setting a property of many leads, and adding people to a campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from leads.actions.bulk.verb import CHANGED, GONE, SALES, SAME, Outcome, Params, Verb, all_work, put_back, works
from leads.actions.campaigns.add_members import add_members, remove_members
from leads.actions.identity.edit_lead import LeadEditRefused, edit_lead
from leads.models import Campaign, CampaignMember, Lead, Role, Touchpoint, User

EVERYBODY = (*SALES, Role.MARKETING_DIRECTOR)


def _set(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    """One property of each lead; what a CRM decides is refused lead by lead."""
    name, value = str(params["field"]), params["value"]
    known, outcomes = Lead.objects.live().in_bulk(ids), []
    for pk in ids:
        lead = known.get(pk)
        why = GONE if lead is None else works(lead, by)
        if why or lead is None:
            outcomes.append(Outcome(why))
            continue
        before = getattr(lead, name)
        try:
            written = edit_lead(lead_id=pk, values={name: value}, source=str(by), at=at, by=by)
        except LeadEditRefused as refusal:
            outcomes.append(Outcome(refusal.fields[name]))
            continue
        outcomes.append(Outcome(before=[before]) if written else Outcome(SAME))
    return outcomes


def _unset(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
    name, value = str(params["field"]), params["value"]

    def write(pk: int, before: Any) -> str:
        try:
            edit_lead(lead_id=pk, values={name: before}, source=str(by), at=at, by=by)
        except LeadEditRefused as refusal:
            return refusal.fields[name]
        return ""

    known = Lead.objects.live().in_bulk(rows)
    return put_back(rows, known, lambda lead: (getattr(lead, name) or "") == (value or ""), write)


def _nothing(rows: Sequence[Any], by: User) -> list[str]:
    return [""] * len(rows)


def _join(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    return _add(dict(zip(ids, ids, strict=True)), params, by, at)


def _join_people_of(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    """The people of touchpoints, each once."""
    people = dict(Touchpoint.objects.filter(pk__in=ids).values_list("pk", "lead_id"))
    return _add({pk: people.get(pk) for pk in ids}, params, by, at)


def _add(people: Mapping[int, int | None], params: Params, by: User, at: datetime) -> list[Outcome]:
    campaign = Campaign.objects.filter(pk=params["campaign"]).first()
    if campaign is None:
        return [Outcome("The campaign was removed.")] * len(people)
    leads = Lead.objects.live().visible_to(by).in_bulk([pk for pk in people.values() if pk])
    before = set(CampaignMember.objects.filter(campaign=campaign, lead__in=leads).values_list("lead_id", flat=True))
    fresh = [lead for pk, lead in leads.items() if pk not in before]
    add_members(campaign=campaign, leads=fresh, at=at, because=f"Added by {by}", by=by)
    outcomes = []
    for lead_id in people.values():
        if lead_id is None or lead_id not in leads:
            outcomes.append(Outcome(GONE))
        elif lead_id in before:
            outcomes.append(Outcome("Already a member of the campaign."))
        else:
            before.add(lead_id)  # a second touchpoint of the same person
            outcomes.append(Outcome(before=lead_id))
    return outcomes


def _leave(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
    campaign = Campaign.objects.filter(pk=params["campaign"]).first()
    gone = remove_members(campaign=campaign, lead_ids=list(rows.values())) if campaign else set()
    return {pk: "" if lead_id in gone else CHANGED for pk, lead_id in rows.items()}


LEAD_VALUES = (
    Verb("set", "Set a property", "changed", all_work, _set, _unset),
    Verb("join", "Add to a campaign", "added", _nothing, _join, _leave, roles=EVERYBODY),
)
TOUCH_VALUES = (
    Verb(
        "touch_join", "Add the people to a campaign", "added", _nothing, _join_people_of, _leave,
        listing="touchpoints", roles=(Role.SALES_LEADER, Role.MARKETING_DIRECTOR, Role.ADMIN),
    ),
)  # fmt: skip
