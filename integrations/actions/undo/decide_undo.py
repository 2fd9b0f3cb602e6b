"""Decide an undo: what of a pull can be taken back, and why the rest stays. Reads only.

The preview shows these decisions and the undo carries them out, so neither promises what the other does not do. Each
kind costs a fixed number of queries, but for merges, of which each has a past of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Exists, Max, Model, OuterRef, Q, QuerySet

from integrations.models import ExternalRecord, RecordKind, SyncRecord, SyncRun
from integrations.pure.column_words import column_words
from leads.actions.campaigns.remove_campaigns import why_campaigns_stay
from leads.actions.deals.remove_opportunities import why_opportunities_stay
from leads.actions.identity.remove_people import why_people_stay
from leads.actions.identity.revise_leads import ATTRIBUTE
from leads.actions.identity.unmerge_lead import why_not_unmerge
from leads.models import Account, Lead, LeadMerge, Opportunity, Touchpoint, User
from leads.pure.refused import Refused

# Columns of an opportunity that only make sense together, and those that go back one by one.
STATE = ("stage_id", "status", "closed_at")
RESTORABLE = (
    "name",
    "amount_cents",
    "currency",
    "owner_id",
    "expected_close_on",
    "lost_reason",
    "deleted_at",
    "attributes",
)
GONE = "It is not there any more."
ELSEWHERE = "It was merged into another lead."
MERGES_LOOKED_AT = 100
_BATCH = 5000
_Outcome = SyncRecord.Outcome


class NotUndoable(Refused):
    """The run cannot be undone; the message tells a person why."""


class Noted(NamedTuple):
    """What a pull noted of one record; only what all kinds need, for there may be tens of thousands."""

    pk: int
    kind: str
    outcome: str
    lead_id: int | None
    opportunity_id: int | None
    account_id: int | None
    campaign_id: int | None
    remote_id: str
    written: dict[str, Any]

    @property
    def touch_id(self) -> int:
        return int(self.written["touch"][1])


@dataclass(slots=True)
class Decision:
    """What becomes of one record: ``back`` are the columns that get their old values; ``note`` says what stays."""

    noted: Noted
    outcome: str = _Outcome.KEPT
    back: set[str] = field(default_factory=set)
    note: str = ""
    refused: set[str] = field(default_factory=set)

    @property
    def is_back(self) -> bool:
        """Whether at least a part of it is taken back."""
        return self.outcome != _Outcome.KEPT


@dataclass(slots=True)
class Scope:
    """The run that is undone and when; what earlier phases have decided to remove, and whose leads they change."""

    run: SyncRun
    at: datetime
    opportunities: set[int] = field(default_factory=set)
    touches: set[int] = field(default_factory=set)
    leads: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Phase:
    """Records of a run that are undone together. The order of the phases is that in which one makes way for another:
    what hangs on a merged lead goes before the merge, touches before their campaign."""

    name: str
    which: Q
    decide: Callable[[Sequence[Noted], Scope], list[Decision]]


def require_undoable(run: SyncRun) -> None:
    """Raises NotUndoable."""
    if run.direction != SyncRun.Direction.PULL or run.is_dry_run:
        raise NotUndoable("Only a pull can be undone: what was sent is in the CRM.")
    if run.state == SyncRun.State.RUNNING:
        raise NotUndoable("The run is still under way.")
    if run.undone_at is not None:
        raise NotUndoable("The run was undone before.")


def noted_in(run: SyncRun, phase: Phase) -> QuerySet[SyncRecord, Any]:
    """What of a run is still to be undone, as rows of `Noted`'s columns, the newest first."""
    rows = SyncRecord.objects.filter(phase.which, run=run, way=SyncRecord.Way.IN, undone_at__isnull=True)
    return rows.order_by("-pk").values_list(*Noted._fields)


def size_of(run: SyncRun) -> int:
    """How many records of a run an undo looks at."""
    rows = SyncRecord.objects.filter(run=run, way=SyncRecord.Way.IN)
    return sum(rows.filter(phase.which).count() for phase in PHASES)


def preview_undo(*, run_id: int, at: datetime) -> list[Decision]:
    """Every decision as it stands now, in the order in which they would be carried out. Raises NotUndoable."""
    run = SyncRun.objects.select_related("connection").get(pk=run_id)
    require_undoable(run)
    scope, decisions = Scope(run, at), list[Decision]()
    for phase in PHASES:
        if noted := [Noted(*row) for row in noted_in(run, phase)]:
            decisions += phase.decide(noted, scope)
    return decisions


def _people(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    """Newest first, so that a lead that was written twice goes back by steps."""
    names = {name for each in noted for name in each.written}
    further = {name for name in names if name.startswith(ATTRIBUTE)}
    columns = [*sorted(names - further), "merged_into_id", *(["attributes"] if further else [])]
    now = _rows(Lead, {each.lead_id for each in noted}, columns)
    for row in now.values() if further else ():
        row.update({name: row["attributes"].get(name.removeprefix(ATTRIBUTE)) for name in further})
    decisions = [_person(each, now.get(each.lead_id or 0)) for each in noted]
    _refuse(decisions, now, "email", "Another lead has the email address now", _taken)
    _refuse(decisions, now, "owner_id", "The owner has left", _left)
    decisions = [_settled(each) for each in decisions]
    scope.leads |= {each.noted.lead_id or 0 for each in decisions if each.is_back}
    return decisions


def _person(noted: Noted, row: dict[str, Any] | None) -> Decision:
    if row is None:
        return Decision(noted, note=GONE)
    if row["merged_into_id"] is not None:
        return Decision(noted, note=ELSEWHERE)
    return Decision(noted, back=_step_back(row, noted.written))


def _refuse(
    decisions: Sequence[Decision],
    now: Mapping[int, Mapping[str, Any]],
    name: str,
    why: str,
    impossible: Callable[[dict[int, Any]], set[int]],
    of: str = "lead_id",
) -> None:
    """Leave a column as it is in the rows, by the id under ``of``, that cannot have its old value again."""
    wanted = {getattr(each.noted, of) for each in decisions if name in each.back}
    stuck = impossible({pk: now[pk][name] for pk in wanted}) if wanted else set()
    for each in decisions:
        if getattr(each.noted, of) in stuck and name in each.back:
            each.back.discard(name)
            each.refused.add(name)
            each.note = f"{each.note} {why}, so {column_words(name)} stays.".strip()


def _taken(emails: dict[int, Any]) -> set[int]:
    holders = dict(Lead.objects.filter(email__in=[each for each in emails.values() if each]).values_list("email", "pk"))
    bare = Lead.objects.filter(pk__in=[pk for pk, email in emails.items() if not email], external_id__isnull=True)
    return {pk for pk, email in emails.items() if holders.get(email, pk) != pk} | set(bare.values_list("pk", flat=True))


def _left(owners: dict[int, Any]) -> set[int]:
    present = set(User.objects.filter(pk__in={*owners.values()} - {None}).values_list("pk", flat=True))
    return {pk for pk, owner_id in owners.items() if owner_id is not None and owner_id not in present}


def _accounts(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    names = sorted({name for each in noted for name in each.written})
    now = _rows(Account, {each.account_id for each in noted}, names)
    decisions = [
        Decision(each, back=_step_back(row, each.written))
        if (row := now.get(each.account_id or 0)) is not None
        else Decision(each, note=GONE)
        for each in noted
    ]
    _refuse(decisions, now, "owner_id", "The owner has left", _left, of="account_id")
    return [_settled(each) for each in decisions]


def _new_deals(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    ids = [each.opportunity_id for each in noted if each.opportunity_id]
    why: dict[int, str] = {}
    for some in _batches(ids):
        why |= why_opportunities_stay(unchanged_since=last_written(scope.run, some), source=scope.run.connection.source)
    decisions = []
    for each in noted:
        reason = why.get(each.opportunity_id, "") if each.opportunity_id else GONE
        decisions.append(Decision(each, _Outcome.KEPT if reason else _Outcome.REMOVED, note=reason))
    scope.opportunities |= {each.noted.opportunity_id or 0 for each in decisions if each.is_back}
    return decisions


def last_written(run: SyncRun, opportunity_ids: Collection[int]) -> dict[int, datetime]:
    """When the run wrote each of these opportunities last: what was changed later somebody else has changed."""
    rows = SyncRecord.objects.filter(run=run, opportunity__in=opportunity_ids).order_by().values_list("opportunity")
    return {pk: at for pk, at in rows.annotate(latest=Max("at")) if pk is not None}


def _deals(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    now = _rows(Opportunity, {each.opportunity_id for each in noted}, (*RESTORABLE, *STATE))
    decisions = []
    for each in noted:
        row = now.get(each.opportunity_id or 0)
        if row is None:
            decisions.append(Decision(each, note=GONE))
        elif each.opportunity_id in scope.opportunities:
            decisions.append(Decision(each, _Outcome.REMOVED, note="The opportunity itself came with this run."))
        else:
            note = "" if each.written else "Its people stay as they are."
            note = "Its account stays." if "account_id" in each.written else note
            refused = {"account_id"} & {*each.written}
            decisions.append(Decision(each, back=_deal_back(row, each.written), note=note, refused=refused))
    _refuse(decisions, now, "owner_id", "The owner has left", _left, of="opportunity_id")
    return [_settled(each) for each in decisions]


def _deal_back(row: dict[str, Any], written: Mapping[str, Sequence[Any]]) -> set[str]:
    singles = {name: pair for name, pair in written.items() if name in RESTORABLE}
    if "owner_id" in singles and singles["owner_id"][0] is None:
        del singles["owner_id"]  # facts cannot take an owner away
    back = _step_back(row, singles)
    state = {name: pair for name, pair in written.items() if name in STATE}
    if all(_same(row[name], pair[1]) for name, pair in state.items()):
        back |= _step_back(row, state)
    return back


def _touches(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    present = _rows(Touchpoint, {each.touch_id for each in noted}, ())
    scope.touches |= set(present)
    scope.leads |= {each.lead_id or 0 for each in noted if each.touch_id in present}
    return [
        Decision(each, _Outcome.REMOVED) if each.touch_id in present else Decision(each, note=GONE) for each in noted
    ]


def _campaigns(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    new = {each.campaign_id for each in noted if each.campaign_id and each.outcome == _Outcome.CREATED}
    why = why_campaigns_stay(campaign_ids=new, without_touches=scope.touches) if new else {}
    links = ExternalRecord.objects.filter(campaign__in=new).exclude(connection=scope.run.connection_id)
    why |= {pk: "Another connection has it, too." for pk in links.values_list("campaign", flat=True) if pk}
    decisions = []
    for each in noted:
        if each.campaign_id is None:
            decisions.append(Decision(each, note=GONE))
        elif each.outcome == _Outcome.UPDATED:
            decisions.append(Decision(each, note="Only its gaps were filled: dates and budget stay."))
        else:
            reason = why.get(each.campaign_id, "")
            decisions.append(Decision(each, _Outcome.KEPT if reason else _Outcome.REMOVED, note=reason))
    return decisions


def _new_people(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    ids = [each.lead_id for each in noted if each.lead_id]
    links = ExternalRecord.objects.filter(lead__in=ids).exclude(connection=scope.run.connection_id)
    why = why_people_stay(lead_ids=ids, without_touches=scope.touches, without_deals=scope.opportunities)
    why |= {pk: "Another connection has them, too." for pk in links.values_list("lead", flat=True) if pk}
    decisions = []
    for each in noted:
        reason = why.get(each.lead_id, "") if each.lead_id else GONE
        decisions.append(Decision(each, _Outcome.KEPT if reason else _Outcome.REMOVED, note=reason))
    return decisions


def _merges(noted: Sequence[Noted], scope: Scope) -> list[Decision]:
    merges = merges_of(noted)
    decisions = []
    for number, each in enumerate(noted):
        merge = merges.get(each.lead_id or 0)
        why = GONE if merge is None else "Whether it can be taken apart is seen when it is undone."
        # What makes way before the merge may be all that stands against taking it apart.
        is_open = merge is not None and merge.survivor_id in scope.leads
        if merge is not None and number < MERGES_LOOKED_AT and not is_open:
            why = why_not_unmerge(merge=merge, survivor=merge.survivor, at=scope.at)
        decisions.append(Decision(each, _Outcome.KEPT if why else _Outcome.RESTORED, note=why or PARTED))
    return decisions


PARTED = "The two leads are two again."


def merges_of(noted: Sequence[Noted]) -> dict[int, LeadMerge]:
    """The merge that each record tells of, by the lead that was merged."""
    records = SyncRecord.objects.filter(pk__in=[each.pk for each in noted])
    moments = set(records.values_list("lead_id", "at"))
    rows = LeadMerge.objects.filter(loser__in=[each.lead_id for each in noted], undone_at__isnull=True)
    return {row.loser_id: row for row in rows.select_related("survivor") if (row.loser_id, row.merged_at) in moments}


def _settled(decision: Decision) -> Decision:
    """The outcome that follows from the columns, and in words what stays."""
    if decision.is_back or decision.note in (GONE, ELSEWHERE):
        return decision
    left = sorted({*decision.noted.written} - decision.back - decision.refused)
    if left:
        decision.note = (
            f"{decision.note} Changed since, so left: {', '.join(column_words(name) for name in left)}.".strip()
        )
    if decision.back:
        decision.outcome = _Outcome.RESTORED
    return decision


def _step_back(row: dict[str, Any], written: Mapping[str, Sequence[Any]]) -> set[str]:
    """The columns that still hold what was written; in ``row`` they hold the old values from now on."""
    back = {name for name, pair in written.items() if name in row and _same(row[name], pair[1])}
    row.update({name: written[name][0] for name in back})
    return back


def _same(value: Any, told: Any) -> bool:
    """Whether a column holds what was told in JSON; the same moment may be written with another offset."""
    if isinstance(value, datetime) and isinstance(told, str):
        return value == datetime.fromisoformat(told)
    return bool((value.isoformat() if isinstance(value, date) else value) == told)


def _rows(model: type[Model], ids: Iterable[int | None], columns: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Columns by id, read without making models of them: there may be tens of thousands."""
    found: dict[int, dict[str, Any]] = {}
    for some in _batches([pk for pk in ids if pk is not None]):
        rows = model._default_manager.filter(pk__in=some).values_list("pk", *columns)
        found |= {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}
    return found


def _batches(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


_THEN = LeadMerge.objects.filter(loser=OuterRef("lead"), merged_at=OuterRef("at"), undone_at__isnull=True)
_NEW, _CHANGED = Q(outcome=_Outcome.CREATED), Q(outcome=_Outcome.UPDATED)
PHASES = (
    Phase("people", Q(kind=RecordKind.PERSON) & _CHANGED, _people),
    Phase("accounts", Q(kind=RecordKind.ACCOUNT) & _CHANGED, _accounts),
    Phase("new_deals", Q(kind=RecordKind.DEAL) & _NEW, _new_deals),
    Phase("deals", Q(kind=RecordKind.DEAL) & _CHANGED, _deals),
    Phase("touches", Q(kind=RecordKind.TOUCH) & _NEW, _touches),
    Phase("campaigns", Q(kind=RecordKind.CAMPAIGN) & (_NEW | _CHANGED), _campaigns),
    Phase("merges", Q(kind=RecordKind.PERSON, outcome=_Outcome.MERGED) & Q(Exists(_THEN)), _merges),
    Phase("new_people", Q(kind=RecordKind.PERSON) & _NEW, _new_people),
)
