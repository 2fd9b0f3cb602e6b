"""What can be done with many leads at once, and all actions on many rows by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from leads.actions.bulk.row_verbs import ROW_VERBS
from leads.actions.bulk.value_verbs import LEAD_VALUES
from leads.actions.bulk.verb import Outcome, Params, Verb, all_work, works
from leads.actions.follow_up.promise_follow_up import promise_follow_up
from leads.actions.handover.accept_lead import accept_lead
from leads.actions.handover.disqualify_lead import disqualify_lead
from leads.actions.handover.recycle_lead import recycle_lead
from leads.actions.handover.reject_lead import reject_lead
from leads.actions.routing.carry_out_transfer import carry_out_at_once
from leads.actions.routing.request_transfer import TransferRefused, request_transfer
from leads.actions.routing.undo_transfer import request_undo, undo_at_once
from leads.models import Lead, Transfer, TransferItem, User
from leads.pure.lifecycle import why_not
from leads.pure.refused import Refused


def _step(step: str) -> Callable[[Sequence[Lead], User], list[str]]:
    def check(leads: Sequence[Lead], by: User) -> list[str]:
        return [why_not(step, lead.stage) or works(lead, by) for lead in leads]

    return check


def _each(do: Callable[[int, Params, User, datetime], object]) -> Callable[..., list[Outcome]]:
    """Lead by lead, each by itself: one that is refused leaves the others alone."""

    def act(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
        known = Lead.objects.live().in_bulk(ids)
        outcomes = []
        for lead_id in ids:
            lead = known.get(lead_id)
            why = "The lead was merged or removed." if lead is None else works(lead, by)
            if not why:
                try:
                    with transaction.atomic():
                        do(lead_id, params, by, at)
                except Refused as refusal:
                    why = str(refusal)
            outcomes.append(Outcome(why))
        return outcomes

    return act


def _may_assign(lead: Lead, by: User, params: Params) -> str:
    if lead.owner_id == params.get("to"):
        return "This person owns the lead already."
    return works(lead, by)


def _assign(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    """One transfer for all of them that may go."""
    to, known = User.objects.get(pk=params["to"]), Lead.objects.live().in_bulk(ids)
    refused = {
        pk: _may_assign(lead, by, params) if (lead := known.get(pk)) else "The lead was merged or removed."
        for pk in ids
    }
    going = [pk for pk in ids if not refused[pk]]
    if not going:
        return [Outcome(refused[pk]) for pk in ids]
    try:
        transfer = request_transfer(
            way=Transfer.Way.PERSON, to=[to], reason=params["reason"], by=by, at=at, lead_ids=going
        )
    except TransferRefused as refusal:
        return [Outcome(refused[pk] or str(refusal)) for pk in ids]
    carry_out_at_once(transfer=transfer, at=at)
    return [Outcome(refused[pk], None if refused[pk] else transfer.pk) for pk in ids]


def _unassign(leads: Mapping[int, int], params: Params, by: User, at: datetime) -> dict[int, str]:
    """Undo the transfers that took these leads along; what has changed hands since stays."""
    why: dict[int, str] = {}
    for transfer in Transfer.objects.filter(pk__in=set(leads.values())).order_by("pk"):
        mine = [pk for pk, key in leads.items() if key == transfer.pk]
        try:
            asked = request_undo(transfer=transfer, reason="Bulk action taken back", by=by, at=at)
        except TransferRefused as refusal:
            why |= dict.fromkeys(mine, str(refusal))
            continue
        undo_at_once(transfer=asked, at=at)
        items = TransferItem.objects.filter(transfer=transfer, kind=TransferItem.Kind.LEAD, row__in=mine)
        before = dict(items.values_list("row", "from_owner"))
        now = dict(Lead.objects.filter(pk__in=mine).values_list("pk", "owner"))
        why |= {pk: "" if now.get(pk, -1) == before.get(pk) else "The lead has changed hands since." for pk in mine}
    return why


def _accept(pk: int, params: Params, by: User, at: datetime) -> None:
    accept_lead(lead_id=pk, by=by, at=at)


def _reject(pk: int, params: Params, by: User, at: datetime) -> None:
    reject_lead(lead_id=pk, reason=params["reason"], note=params.get("note", ""), by=by, at=at)


def _disqualify(pk: int, params: Params, by: User, at: datetime) -> None:
    disqualify_lead(lead_id=pk, reason=params["reason"], note=params.get("note", ""), by=by, at=at)


def _recycle(pk: int, params: Params, by: User, at: datetime) -> None:
    text = params.get("comes_back_on")
    day = date.fromisoformat(text) if text else None
    recycle_lead(lead_id=pk, reason=params["reason"], comes_back_on=day, note=params.get("note", ""), by=by, at=at)


def _schedule(pk: int, params: Params, by: User, at: datetime) -> None:
    promise_follow_up(lead_id=pk, kind=params["kind"], due_at=datetime.fromisoformat(params["due_at"]), by=by, at=at)


VERBS: Mapping[str, Verb] = {
    verb.key: verb
    for verb in (
        Verb("assign", "Give to another owner", "reassigned", all_work, _assign, _unassign),
        Verb("accept", "Accept", "accepted", _step("accept"), _each(_accept)),
        Verb("reject", "Reject, or send back", "rejected", _step("reject"), _each(_reject)),
        Verb("recycle", "Recycle until a day", "recycled", _step("recycle"), _each(_recycle)),
        Verb("disqualify", "Disqualify", "disqualified", _step("disqualify"), _each(_disqualify)),
        Verb("follow_up", "Schedule follow-up", "scheduled", all_work, _each(_schedule)),
        *LEAD_VALUES,
        *ROW_VERBS,
    )
}
