"""Unmerge: take a merge back exactly, or say why that cannot be.

Exactly means that both leads are as they were. So it is refused once anything has happened to the survivor of which
nobody can tell whose it is: a touch, a passage, a deal, another value.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from leads.actions.identity.merge_leads import (
    MOVED,
    MergeRefused,
    NotYours,
    lock_people,
    plain,
    set_columns,
    told,
    write_events,
)
from leads.models import (
    CampaignMember,
    Consent,
    FollowUp,
    Lead,
    LeadEvent,
    LeadMerge,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
    User,
)
from leads.queries.identity import may_merge

UNDO_FOR = timedelta(days=30)
_TIMES = ("captured_at", "intake_due_at")


class CannotUnmerge(MergeRefused):
    """The merge cannot be taken back exactly."""


def unmerge_lead(*, loser_id: int, by: User | None, at: datetime) -> Lead:
    """Take back the merge of this lead into another, within ``UNDO_FOR``; returns the lead, which lives again.

    ``by`` is nobody where the sync that merged them is undone without a person.

    Raises CannotUnmerge with the reason, NotYours, Lead.DoesNotExist. The scores are done anew by the intake. CRMs get
    both leads again.
    """
    with transaction.atomic():
        known = Lead.objects.get(pk=loser_id)
        if known.merged_into_id is None:
            raise CannotUnmerge(f"{known} is not merged into another lead.")
        leads = lock_people(lead_ids=(loser_id, known.merged_into_id))
        merge = LeadMerge.objects.filter(loser=loser_id, survivor=known.merged_into_id, undone_at=None).first()
        if merge is None or leads[loser_id].merged_into_id != known.merged_into_id:
            raise CannotUnmerge("Nothing was kept of this merge, so it cannot be taken back.")
        survivor, loser = leads[merge.survivor_id], leads[loser_id]
        if by is not None and not may_merge(user=by, leads=(survivor, loser)):
            raise NotYours("Only admins, sales leaders and the owner of both leads may take this merge back.")
        if why := why_not_unmerge(merge=merge, survivor=survivor, at=at):
            raise CannotUnmerge(why)
        _take_back(merge, survivor, loser, by, at)
    return loser


def why_not_unmerge(*, merge: LeadMerge, survivor: Lead, at: datetime) -> str:
    """Why a merge cannot be taken back exactly, in words; "" where it can."""
    since = merge.merged_at
    if at - since > UNDO_FOR:
        return f"A merge can be taken back for {UNDO_FOR.days} days; this one was on {since:%Y-%m-%d}."
    if survivor.merged_into_id is not None:
        return f"{survivor} has itself been merged since: take that back first."
    if LeadMerge.objects.filter(survivor=survivor, undone_at__isnull=True, pk__gt=merge.pk).exists():
        return "Another lead has been merged since: take that back first."
    now = plain({name: getattr(survivor, name) for name in merge.after})
    if changed := told(name for name, value in merge.after.items() if now[name] != _plainly(name, value)):
        return f"These values have changed since: {', '.join(changed)}."
    if LifecyclePassage.objects.filter(lead=survivor, pk__gt=merge.moved["newest_passage"]).exists():
        return "The lead has passed another stage since."
    touches = Touchpoint.objects.filter(lead=survivor, recorded_at__gt=since)
    if count := touches.exclude(pk__in=merge.moved["touches"]).count():
        return (
            f"{count} more {'touchpoint has' if count == 1 else 'touchpoints have'} come in since, "
            f"and whose cannot be told."
        )
    roles = OpportunityContact.objects.filter(lead=survivor)
    if roles.exclude(opportunity__in=merge.moved["roles"]["deals"]).exists():
        return "The lead has come into another deal since."
    return ""


def _plainly(name: str, value: Any) -> Any:
    # A moment may be written with another offset by another database; it is the same moment.
    moment = datetime.fromisoformat(value) if name in _TIMES and value else None
    return moment.isoformat() if moment else value


def _take_back(merge: LeadMerge, survivor: Lead, loser: Lead, by: User | None, at: datetime) -> None:
    for name, model in MOVED.items():
        rows: Any = model._default_manager.filter(pk__in=merge.moved.get(name, ()), lead=survivor)
        rows.update(lead=loser)
    Consent.objects.filter(pk__in=merge.moved["consents"], lead=survivor).update(lead=loser)
    members = CampaignMember.objects.filter(pk__in=merge.moved.get("members", ()), lead=survivor)
    members.update(lead=loser)
    _return_follow_ups(merge, survivor, loser)
    _return_roles(merge, survivor, loser, at)
    set_columns(survivor, {**_values(merge.before), "changed_at": at, "intake_due_at": at})
    # What the score of that day was made of may have aged, so it is asked for anew, as for the survivor.
    set_columns(loser, {**_values(merge.lost), "merged_into": None, "changed_at": at, "intake_due_at": at})
    merge.undone_at, merge.undone_by = at, by
    merge.save(update_fields=["undone_at", "undone_by"])
    kind = LeadEvent.Kind.MERGED
    write_events(
        events=[
            (survivor, kind, {"parted": str(loser.public_id)}),
            (loser, kind, {"parted": str(survivor.public_id)}),
        ],
        by=by,
        at=at,
    )


def _values(kept: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name in _TIMES and value else value for name, value in kept.items()}


def _return_follow_ups(merge: LeadMerge, survivor: Lead, loser: Lead) -> None:
    for pk, owner_id in merge.moved["follow_ups"]["rows"]:
        FollowUp.objects.filter(pk=pk, lead=survivor).update(lead=loser, owner=owner_id)
    for pk, was, became in merge.moved["follow_ups"]["sooner"]:
        sooner = FollowUp.objects.open().filter(pk=pk, due_at=datetime.fromisoformat(became))
        sooner.update(due_at=datetime.fromisoformat(was))


def _return_roles(merge: LeadMerge, survivor: Lead, loser: Lead, at: datetime) -> None:
    roles = merge.moved["roles"]
    OpportunityContact.objects.filter(pk__in=roles["rows"], lead=survivor).update(lead=loser)
    for pk, role, is_primary, became, became_primary in roles["changed"]:
        mine = OpportunityContact.objects.filter(pk=pk, role=became, is_primary=became_primary)
        mine.update(role=role, is_primary=is_primary)
    for opportunity_id, role, is_primary in roles["gone"]:
        rows = OpportunityContact.objects.filter(opportunity=opportunity_id)
        if not rows.filter(lead=survivor).exists():
            continue  # they have left the deal since
        OpportunityContact.objects.create(
            opportunity_id=opportunity_id,
            lead=loser,
            role=role,
            is_primary=is_primary and not rows.filter(is_primary=True).exists(),
        )
    Opportunity.objects.filter(contacts__lead=loser).update(changed_at=at)
