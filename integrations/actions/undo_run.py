"""Undo a pull on our side: fields that still hold what the run wrote get their old values back.

What somebody has changed since is left, and said so. Every record that was touched is held: neither read nor sent until
somebody releases it, or the next sync would do again what was just undone. The CRM is not written to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from integrations.models import Connection, ExternalRecord, RecordKind, SyncHint, SyncRecord, SyncRun
from leads.actions.record_opportunity import DealFacts, record_opportunities
from leads.actions.remove_opportunity import remove_opportunity
from leads.actions.revise_accounts import AccountRevision, revise_accounts
from leads.actions.revise_leads import ATTRIBUTE, Revision, revise_leads
from leads.models import Account, Lead, Opportunity, PipelineStage, User

SOURCE = "undo"
_Outcome = SyncRecord.Outcome
# Columns that only make sense together.
_STATE = ("stage_id", "status", "closed_at")
_RESTORABLE = ("name", "amount_cents", "currency", "owner_id", "expected_close_on", "lost_reason", "attributes")


class NotUndoable(ValueError):
    """The run cannot be undone; the message tells a person why."""


def undo_run(*, run_id: int, by: User | None, at: datetime) -> SyncRun:
    """Take back what a pull wrote here, in one transaction; returns the run that tells what became of each record.

    Raises NotUndoable.
    """
    with transaction.atomic():
        run = SyncRun.objects.select_for_update(of=("self",)).select_related("connection").get(pk=run_id)
        _require_undoable(run)
        undo = SyncRun.objects.create(
            connection=run.connection,
            direction=SyncRun.Direction.UNDO,
            reason=f"undo of {run.started_at:%Y-%m-%d %H:%M}"[:80],
            undoes=run,
            undone_by=by,
            started_at=at,
        )
        records = list(
            SyncRecord.objects.filter(
                run=run, outcome__in=(_Outcome.CREATED, _Outcome.UPDATED), way=SyncRecord.Way.IN
            ).order_by("-pk")
        )
        work = _Undo(run, undo, by, at)
        work.people([each for each in records if each.kind == RecordKind.PERSON])
        work.accounts([each for each in records if each.kind == RecordKind.ACCOUNT])
        work.deals([each for each in records if each.kind == RecordKind.DEAL and each.outcome == _Outcome.UPDATED])
        work.created([each for each in records if each.kind == RecordKind.DEAL and each.outcome == _Outcome.CREATED])
        work.campaigns([each for each in records if each.kind == RecordKind.CAMPAIGN])
        return work.finish(records)


def release_records(*, connection_id: int, at: datetime, record_ids: Collection[int] | None = None) -> int:
    """Let held records be synced again, these or all of the connection; returns how many.

    The CRM will not name them as changed, so each is hinted at: the next look fetches it.
    """
    with transaction.atomic():
        rows = ExternalRecord.objects.select_for_update(of=("self",)).filter(
            connection=connection_id, held_at__isnull=False
        )
        if record_ids is not None:
            rows = rows.filter(pk__in=record_ids)
        held = list(rows.order_by("pk"))
        SyncHint.objects.bulk_create(
            [
                SyncHint(
                    connection_id=connection_id,
                    event_id=f"released {at.isoformat()}",
                    kind=RecordKind.PERSON if row.kind == RecordKind.CONTACT else row.kind,
                    remote_id=row.remote_id,
                    received_at=at,
                )
                for row in held
            ],
            ignore_conflicts=True,
        )
        ExternalRecord.objects.filter(pk__in=[row.pk for row in held]).update(
            held_at=None, held_because="", content_hash=""
        )
    return len(held)


def _require_undoable(run: SyncRun) -> None:
    if run.direction != SyncRun.Direction.PULL or run.is_dry_run:
        raise NotUndoable("Only a pull can be undone: what was sent is in the CRM.")
    if run.state == SyncRun.State.RUNNING:
        raise NotUndoable("The run is still under way.")
    if run.undone_at is not None:
        raise NotUndoable("The run was undone before.")


class _Undo:
    """The work on one run."""

    def __init__(self, run: SyncRun, undo: SyncRun, by: User | None, at: datetime) -> None:
        self.run, self.undo, self.by, self.at = run, undo, by, at
        self.connection: Connection = run.connection
        self.told: list[SyncRecord] = []

    def people(self, records: Sequence[SyncRecord]) -> None:
        leads = Lead.objects.in_bulk([each.lead_id for each in records if each.lead_id])
        revisions: dict[int, dict[str, Any]] = {}
        steps: dict[int, set[str]] = {}
        for each in records:  # newest first, so a lead that was written twice goes back by steps
            lead, back = leads.get(each.lead_id or 0), revisions.setdefault(each.lead_id or 0, {})
            if lead is None:
                continue
            for name, (before, after) in each.written.items():
                if (back[name] if name in back else _value(lead, name)) == after:
                    back[name] = before
                    steps.setdefault(each.pk, set()).add(name)
        revised = revise_leads(
            revisions=[Revision(lead_id, values) for lead_id, values in revisions.items() if values],
            source=f"Undo of {self.connection}'s sync",
            at=self.at,
            by=self.by,
        )
        done = {each.lead_id: each for each in revised}
        for each in records:
            answer = done.get(each.lead_id or 0)
            restored = steps.get(each.pk, set()) & set(answer.written if answer else ())
            self._tell(each, restored, {"lead_id": each.lead_id})

    def accounts(self, records: Sequence[SyncRecord]) -> None:
        accounts = Account.objects.in_bulk([each.account_id for each in records if each.account_id])
        revisions = [
            AccountRevision(account.pk, {n: b for n, (b, a) in each.written.items() if getattr(account, n) == a})
            for each in records
            if (account := accounts.get(each.account_id or 0)) is not None
        ]
        done = {each.account_id: set(each.written) for each in revise_accounts(revisions=revisions)}
        for each in records:
            self._tell(each, done.get(each.account_id or 0, set()), {"account_id": each.account_id})

    def deals(self, records: Sequence[SyncRecord]) -> None:
        rows = Opportunity.objects.select_related("stage").in_bulk([r.opportunity_id for r in records])
        stages = PipelineStage.objects.in_bulk()
        for each in records:  # newest first, so a deal that was written twice goes back by steps
            row = rows.get(each.opportunity_id or 0)
            if row is None:
                self._tell(each, set(), {}, "The opportunity is not there any more.")
                continue
            facts, restored = _facts_before(row, each.written, stages, self.at)
            if restored:
                record_opportunities(deals=[facts], at=self.at)
                row = rows[row.pk] = Opportunity.objects.select_related("stage").get(pk=row.pk)
            note = "" if each.written else "Its people stay as they are."
            self._tell(each, restored, {"opportunity": row}, note)

    def created(self, records: Sequence[SyncRecord]) -> None:
        names = dict(
            Opportunity.objects.filter(pk__in=[each.opportunity_id for each in records]).values_list("pk", "name")
        )
        for each in records:
            if each.opportunity_id is None:
                continue
            ExternalRecord.objects.filter(connection=self.connection, opportunity=each.opportunity_id).update(
                opportunity=None
            )
            refusal = remove_opportunity(
                opportunity_id=each.opportunity_id, source=self.connection.slug, unchanged_since=each.at
            )
            if refusal:
                links = ExternalRecord.objects.filter(
                    connection=self.connection, kind=RecordKind.DEAL, remote_id=each.remote_id
                )
                links.update(opportunity=each.opportunity_id)
            kept: dict[str, Any] = {"opportunity_id": each.opportunity_id} if refusal else {}
            gone = f"{names.get(each.opportunity_id, 'The opportunity')} came with this run and goes with it."
            self._add(each, _Outcome.KEPT if refusal else _Outcome.REMOVED, refusal or gone, **kept)

    def campaigns(self, records: Sequence[SyncRecord]) -> None:
        for each in records:
            facts: dict[str, Any] = {"campaign_id": each.campaign_id}
            self._add(each, _Outcome.KEPT, "Campaigns stay: touches and costs may refer to them.", **facts)

    def finish(self, records: Sequence[SyncRecord]) -> SyncRun:
        """Hold what was touched, and close both runs."""
        undo, run = self.undo, self.run
        pairs = {(each.kind, each.remote_id) for each in records if each.kind != RecordKind.CAMPAIGN}
        for kind in {kind for kind, _ in pairs}:
            kinds = [kind, RecordKind.CONTACT] if kind == RecordKind.PERSON else [kind]
            ids = [remote_id for each, remote_id in pairs if each == kind]
            ExternalRecord.objects.filter(connection=self.connection, kind__in=kinds, remote_id__in=ids).update(
                held_at=self.at, held_because=f"The sync of {run.started_at:%Y-%m-%d %H:%M} UTC was undone."
            )
        SyncRecord.objects.bulk_create(self.told, batch_size=500)
        SyncRecord.objects.filter(pk__in=[each.pk for each in records]).update(undone_at=self.at)
        run.undone_at, run.undone_by = self.at, self.by
        run.save(update_fields=["undone_at", "undone_by"])
        kept = sum(each.outcome == _Outcome.KEPT for each in self.told)
        undo.updated, undo.unchanged, undo.seen = len(self.told) - kept, kept, len(self.told)
        undo.state, undo.finished_at = SyncRun.State.DONE, self.at
        undo.note = f"{len(self.told) - kept:,} restored, {kept:,} left as they are. Records are held until released."
        undo.save()
        return undo

    def _tell(self, each: SyncRecord, restored: Collection[str], facts: Mapping[str, Any], note: str = "") -> None:
        left = sorted(set(each.written) - set(restored))
        if left:
            note = f"{note} Changed since, so left: {', '.join(left)}.".strip()
        outcome = _Outcome.RESTORED if restored else _Outcome.KEPT
        self._add(each, outcome, note, {name: _pair(each.written[name]) for name in restored}, **facts)

    def _add(
        self, each: SyncRecord, outcome: str, note: str, changes: Mapping[str, Any] | None = None, **facts: Any
    ) -> None:
        self.told.append(
            SyncRecord(
                run=self.undo,
                kind=each.kind,
                way=each.way,
                remote_id=each.remote_id,
                outcome=outcome,
                note=note[:400],
                changes=dict(changes or {}),
                at=self.at,
                **facts,
            )
        )


def _pair(pair: Sequence[Any]) -> list[str]:
    """After and before, as people read an undo."""
    return ["" if value is None else str(value) for value in reversed(pair)]


def _value(lead: Lead, name: str) -> Any:
    if name.startswith(ATTRIBUTE):
        return lead.attributes.get(name.removeprefix(ATTRIBUTE))
    return getattr(lead, name)


def _raw(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _facts_before(
    row: Opportunity, written: Mapping[str, Sequence[Any]], stages: Mapping[int, PipelineStage], at: datetime
) -> tuple[DealFacts, set[str]]:
    """The opportunity as it was before, and which columns go back."""
    restored = {name for name in _RESTORABLE if name in written and _raw(getattr(row, name)) == written[name][1]}
    if "owner_id" in restored and written["owner_id"][0] is None:
        restored.discard("owner_id")  # facts cannot take an owner away
    state = [name for name in _STATE if name in written]
    if all(_raw(getattr(row, name)) == written[name][1] for name in state):
        restored |= set(state)

    def before(name: str) -> Any:
        return written[name][0] if name in restored else getattr(row, name)

    closed_at, close_on = before("closed_at"), before("expected_close_on")
    attributes = before("attributes")
    return DealFacts(
        opportunity_id=row.pk,
        name=before("name"),
        stage=stages[before("stage_id")],
        status=before("status"),
        amount_cents=before("amount_cents"),
        currency=before("currency"),
        opened_at=row.opened_at,
        closed_at=datetime.fromisoformat(closed_at) if isinstance(closed_at, str) else closed_at,
        expected_close_on=date.fromisoformat(close_on) if isinstance(close_on, str) else close_on,
        lost_reason=before("lost_reason"),
        owner_id=before("owner_id"),
        attributes={name: attributes.get(name) for name in {*attributes, *row.attributes}},
        changed_at=at,
        source=SOURCE,
    ), restored
