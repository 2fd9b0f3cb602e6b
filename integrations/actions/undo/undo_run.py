"""Undo a pull on our side: what still is as the run left it goes back to what it was before.

What somebody has changed since is left, and said so. Every record that was touched is held: neither read nor sent until
somebody releases it, or the next sync would do again what was just undone. The CRM is not written to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from integrations.actions.runs.hold_connection import Clock, hold_connection
from integrations.actions.runs.log_run import Progress
from integrations.actions.runs.write_as_run import write_as_run
from integrations.actions.undo.decide_undo import (
    PARTED,
    PHASES,
    Decision,
    Noted,
    Phase,
    Scope,
    last_written,
    noted_in,
    require_undoable,
)
from integrations.models import ExternalRecord, RecordKind, SyncRecord, SyncRun
from integrations.queries.change_words import names_in, pair_words
from leads.actions.campaigns.remove_campaigns import remove_campaigns
from leads.actions.capture.remove_touches import First, remove_touches
from leads.actions.deals.record_opportunity import DealFacts, record_opportunities
from leads.actions.deals.remove_opportunities import remove_opportunities
from leads.actions.identity.merge_leads import MergeRefused
from leads.actions.identity.remove_people import remove_people
from leads.actions.identity.revise_accounts import AccountRevision, revise_accounts
from leads.actions.identity.revise_leads import Revision, revise_leads
from leads.actions.identity.unmerge_lead import unmerge_lead
from leads.models import Account, Campaign, Lead, Opportunity, PipelineStage, User

SOURCE = "undo"
CHUNK = 500
_Outcome = SyncRecord.Outcome


def undo_run(
    *, run_id: int, by: User | None, clock: Clock, progress: Progress | None = None, chunk: int = CHUNK
) -> SyncRun:
    """Take back what a pull wrote here; returns the run that tells what became of each record.

    Each chunk is one transaction, so an undo that dies is gone on with by the next call. Raises NotUndoable,
    ConnectionBusy, LeaseLost.
    """
    run = SyncRun.objects.select_related("connection").get(pk=run_id)
    require_undoable(run)
    with hold_connection(connection_id=run.connection_id, clock=clock, is_trial=True) as held:
        undo = _open(run, by, clock())
        try:
            for phase in PHASES:
                while noted := [Noted(*row) for row in noted_in(run, phase)[:chunk]]:
                    with write_as_run(run=undo, by=by), transaction.atomic():
                        _Step(Scope(run, held.keep()), undo, by).take(phase, noted)
                    if progress:
                        progress(undo.seen)
        except BaseException as error:
            note = f"{type(error).__name__}. What is done stays done; asked for again, it goes on."
            SyncRun.objects.filter(pk=undo.pk).update(
                state=SyncRun.State.FAILED, finished_at=clock(), note=f"Stopped by an error of ours: {note}"[:400]
            )
            raise
        return _close(run, undo, by, clock())


def _open(run: SyncRun, by: User | None, at: datetime) -> SyncRun:
    """The run that tells; the one that an earlier try has left, if there is one."""
    left = SyncRun.objects.filter(undoes=run, direction=SyncRun.Direction.UNDO).order_by("-pk").first()
    undo = left or SyncRun(
        connection=run.connection,
        direction=SyncRun.Direction.UNDO,
        reason=f"undo of {run.started_at:%Y-%m-%d %H:%M}"[:80],
        undoes=run,
        started_at=at,
    )
    undo.undone_by, undo.state, undo.finished_at, undo.note = by, SyncRun.State.RUNNING, None, ""
    undo.expected = undo.seen + sum(noted_in(run, phase).count() for phase in PHASES)
    undo.save()
    return undo


def _close(run: SyncRun, undo: SyncRun, by: User | None, at: datetime) -> SyncRun:
    with transaction.atomic():
        SyncRun.objects.filter(pk=run.pk).update(undone_at=at, undone_by=by)
        undo.state, undo.finished_at = SyncRun.State.DONE, at
        undo.note = (
            f"{undo.updated:,} taken back, {undo.unchanged:,} left as they are. Records are held until released."
        )
        undo.save(update_fields=["state", "finished_at", "note"])
    return undo


class _Step:
    """One transaction of an undo: some records of one phase."""

    def __init__(self, scope: Scope, undo: SyncRun, by: User | None) -> None:
        self.scope, self.undo, self.by, self.at = scope, undo, by, scope.at
        self.run, self.connection = scope.run, scope.run.connection
        self.titles: dict[int, str] = {}
        self.names: Mapping[str, Mapping[Any, str]] = {}

    def take(self, phase: Phase, noted: Sequence[Noted]) -> None:
        """Decide, carry out, hold, and tell."""
        self._lock(phase, noted)
        decisions = phase.decide(noted, self.scope)
        carry_out: dict[str, Callable[[Sequence[Decision]], None]] = {
            "people": self._people,
            "accounts": self._accounts,
            "new_deals": self._new_deals,
            "deals": self._deals,
            "touches": self._touches,
            "campaigns": self._campaigns,
            "merges": self._merges,
            "new_people": self._new_people,
        }
        carry_out[phase.name](decisions)
        self._hold(decisions)
        self._tell(decisions)

    def _lock(self, phase: Phase, noted: Sequence[Noted]) -> None:
        """Nobody changes between the decision and the deed what is decided about."""
        owns: dict[str, tuple[type[Model], str]] = {
            "people": (Lead, "lead_id"),
            "accounts": (Account, "account_id"),
            "new_deals": (Opportunity, "opportunity_id"),
            "new_people": (Lead, "lead_id"),
            "deals": (Opportunity, "opportunity_id"),
        }
        if phase.name in owns:
            model, name = owns[phase.name]
            rows = model._default_manager.select_for_update(of=("self",)).order_by("pk")
            list(rows.filter(pk__in={getattr(each, name) for each in noted} - {None}).values_list("pk"))

    # --- what goes back ---

    def _people(self, decisions: Sequence[Decision]) -> None:
        revisions = [Revision(pk, values) for pk, values in _before(decisions, "lead_id").items()]
        revised = revise_leads(revisions=revisions, source=f"Undo of {self.connection}'s sync", at=self.at, by=self.by)
        refused = {each.lead_id: each.refused for each in revised if each.refused}
        for each in decisions:
            stuck = refused.get(each.noted.lead_id or 0, {})
            if names := sorted(each.back & set(stuck)):
                each.back -= set(names)
                each.note = " ".join([each.note, *(f"{name}: {stuck[name]}" for name in names)]).strip()
                each.outcome = _Outcome.RESTORED if each.back else _Outcome.KEPT

    def _accounts(self, decisions: Sequence[Decision]) -> None:
        revise_accounts(
            revisions=[AccountRevision(pk, values) for pk, values in _before(decisions, "account_id").items()]
        )

    def _new_deals(self, decisions: Sequence[Decision]) -> None:
        going = {each.noted.opportunity_id or 0: each for each in decisions if each.is_back}
        self.titles = dict(Opportunity.objects.filter(pk__in=going).values_list("pk", "name"))
        since = last_written(self.run, list(going))
        self._remove(
            going, "opportunity", lambda: remove_opportunities(unchanged_since=since, source=self.connection.source)
        )

    def _deals(self, decisions: Sequence[Decision]) -> None:
        before = _before(decisions, "opportunity_id")
        rows = Opportunity.objects.select_related("stage").filter(pk__in=before).order_by("pk")
        stages = PipelineStage.objects.in_bulk()
        facts = [_facts(row, before[row.pk], stages, self.at) for row in rows]
        if facts:
            record_opportunities(deals=facts, at=self.at)

    def _touches(self, decisions: Sequence[Decision]) -> None:
        going = [each.noted for each in decisions if each.is_back]
        remove_touches(
            touch_ids=[each.touch_id for each in going],
            first_before=self._first_before({each.lead_id or 0 for each in going}),
            source=f"Undo of {self.connection}'s sync",
            at=self.at,
            by=self.by,
        )

    def _first_before(self, lead_ids: set[int]) -> dict[int, First]:
        """What the leads' first touch was before the run: the oldest record knows."""
        rows = SyncRecord.objects.filter(run=self.run, kind=RecordKind.TOUCH, lead__in=lead_ids).order_by("-pk")
        found: dict[int, First] = {}
        for lead_id, written in rows.values_list("lead_id", "written"):
            if lead_id is not None and "channel_id" in written:
                found[lead_id] = (written["channel_id"][0], written["campaign_id"][0])
        return found

    def _campaigns(self, decisions: Sequence[Decision]) -> None:
        going = {each.noted.campaign_id or 0: each for each in decisions if each.is_back}
        self.titles = dict(Campaign.objects.filter(pk__in=going).values_list("pk", "name"))
        links = ExternalRecord.objects.filter(connection=self.connection, campaign__in=going)
        links.update(**self._held())
        self._remove(going, "campaign", lambda: remove_campaigns(campaign_ids=list(going)))

    def _remove(self, going: Mapping[int, Decision], name: str, remove: Callable[[], Mapping[int, str]]) -> None:
        """Remove ours; ``remove`` says what stays and why. ``name`` is how links name it."""
        # Gone with it the link would be forgotten, and the next pull would make both again.
        links = ExternalRecord.objects.filter(connection=self.connection, **{f"{name}__in": going})
        linked = dict(links.values_list(name, "pk"))
        links.update(**{name: None})
        for pk, reason in remove().items():
            going[pk].outcome, going[pk].note = _Outcome.KEPT, reason
            ExternalRecord.objects.filter(pk=linked.get(pk, 0)).update(**{name: pk})

    def _merges(self, decisions: Sequence[Decision]) -> None:
        for each in decisions:
            if each.noted.lead_id is None:
                continue
            try:
                unmerge_lead(loser_id=each.noted.lead_id, by=self.by, at=self.at)
            except MergeRefused as refusal:
                each.outcome, each.note = _Outcome.KEPT, str(refusal)
            else:
                each.outcome, each.note = _Outcome.RESTORED, PARTED

    def _new_people(self, decisions: Sequence[Decision]) -> None:
        going = {each.noted.lead_id or 0: each for each in decisions if each.is_back}
        leads = Lead.objects.in_bulk(going)
        self.titles = {pk: str(lead) for pk, lead in leads.items()}
        # What the sync has told of them stays to be read, under their name.
        for pk, title in self.titles.items():
            SyncRecord.objects.filter(lead=pk, title="").update(title=title[:200])
        told = dict(SyncRecord.objects.filter(lead__in=going).values_list("pk", "lead"))
        SyncRecord.objects.filter(pk__in=told).update(lead=None)
        self._remove(going, "lead", lambda: remove_people(lead_ids=list(going)))
        kept = {pk for pk, each in going.items() if not each.is_back}
        for pk in kept:
            SyncRecord.objects.filter(pk__in=[each for each, lead in told.items() if lead == pk]).update(lead=pk)

    # --- what is told ---

    def _hold(self, decisions: Sequence[Decision]) -> None:
        links = ExternalRecord.objects.filter(connection=self.connection)
        by_kind: dict[str, list[str]] = {}
        for each in decisions:
            by_kind.setdefault(each.noted.kind, []).append(each.noted.remote_id)
        if RecordKind.TOUCH in by_kind:
            # Whose responses were taken back is not asked for responses.
            ids = {each.noted.campaign_id for each in decisions if each.is_back}
            links.filter(kind=RecordKind.CAMPAIGN, campaign__in=ids).update(**self._held())
            # Other touches have no record of their own before they are held.
            keys = {each.noted.remote_id for each in decisions if each.is_back and each.noted.campaign_id is None}
            rows = [
                ExternalRecord(connection=self.connection, kind=RecordKind.TOUCH, remote_id=key, **self._held())
                for key in sorted(keys)
            ]
            ExternalRecord.objects.bulk_create(rows, ignore_conflicts=True)
            links.filter(kind=RecordKind.TOUCH, remote_id__in=keys).update(**self._held())
        for kind in {*by_kind} - {RecordKind.TOUCH, RecordKind.CAMPAIGN}:
            kinds = [kind, RecordKind.CONTACT] if kind == RecordKind.PERSON else [kind]
            links.filter(kind__in=kinds, remote_id__in=by_kind[kind]).update(**self._held())

    def _held(self) -> dict[str, Any]:
        """What the link of a record that waits for its release says."""
        because = f"The sync of {self.run.started_at:%Y-%m-%d %H:%M} UTC was undone."
        return {"held_at": self.at, "held_because": because}

    def _tell(self, decisions: Sequence[Decision]) -> None:
        self.names = names_in(each.noted.written for each in decisions if each.back)
        SyncRecord.objects.bulk_create([self._told(each) for each in decisions], batch_size=500)
        SyncRecord.objects.filter(pk__in=[each.noted.pk for each in decisions]).update(undone_at=self.at)
        back = sum(each.is_back for each in decisions)
        undo = self.undo
        undo.updated, undo.unchanged = undo.updated + back, undo.unchanged + len(decisions) - back
        undo.seen, undo.beat_at = undo.seen + len(decisions), self.at
        undo.save(update_fields=["updated", "unchanged", "seen", "beat_at"])

    def _told(self, decision: Decision) -> SyncRecord:
        record = told(decision=decision, undo=self.undo, at=self.at, names=self.names)
        noted = decision.noted
        if decision.outcome == _Outcome.REMOVED:
            ids = {RecordKind.CAMPAIGN: noted.campaign_id, RecordKind.PERSON: noted.lead_id}
            mine = ids.get(RecordKind(noted.kind), noted.opportunity_id)
            record.title = self.titles.get(mine or 0, "")[:200]
            record.opportunity_id = None
            if noted.kind == RecordKind.PERSON:
                record.lead_id = None
            record.campaign_id = noted.campaign_id if noted.kind == RecordKind.TOUCH else None
        return record


def told(*, decision: Decision, undo: SyncRun, at: datetime, names: Mapping[str, Mapping[Any, str]]) -> SyncRecord:
    """A decision as a record of the undo, not saved; its changes read from what is now to what was before. ``names``
    are those of `names_in`."""
    noted = decision.noted
    return SyncRecord(
        run=undo,
        kind=noted.kind,
        way=SyncRecord.Way.IN,
        lead_id=noted.lead_id,
        opportunity_id=noted.opportunity_id,
        account_id=noted.account_id,
        campaign_id=noted.campaign_id,
        remote_id=noted.remote_id,
        outcome=decision.outcome,
        note=decision.note[:400],
        changes={name: pair_words(name, noted.written[name][::-1], names) for name in sorted(decision.back)},
        at=at,
    )


def _before(decisions: Sequence[Decision], name: str) -> dict[int, dict[str, Any]]:
    """The old values by the id under this name; of several records of one the oldest comes last and counts."""
    found: dict[int, dict[str, Any]] = {}
    for each in decisions:
        if each.back and (pk := getattr(each.noted, name)):
            found.setdefault(pk, {}).update({column: each.noted.written[column][0] for column in each.back})
    return found


def _facts(row: Opportunity, before: Mapping[str, Any], stages: Mapping[int, PipelineStage], at: datetime) -> DealFacts:
    """The opportunity with its old values."""

    def value(name: str) -> Any:
        return before.get(name, getattr(row, name))

    closed_at, close_on, attributes = value("closed_at"), value("expected_close_on"), value("attributes")
    deleted_at = value("deleted_at")
    return DealFacts(
        opportunity_id=row.pk,
        name=value("name"),
        stage=stages[value("stage_id")],
        status=value("status"),
        amount_cents=value("amount_cents"),
        currency=value("currency"),
        opened_at=row.opened_at,
        closed_at=datetime.fromisoformat(closed_at) if isinstance(closed_at, str) else closed_at,
        expected_close_on=date.fromisoformat(close_on) if isinstance(close_on, str) else close_on,
        lost_reason=value("lost_reason"),
        deleted_at=datetime.fromisoformat(deleted_at) if isinstance(deleted_at, str) else deleted_at,
        owner_id=value("owner_id"),
        attributes={name: attributes.get(name) for name in {*attributes, *row.attributes}},
        changed_at=at,
        source=SOURCE,
    )
