"""The sandbox CRM as it stands after two years of daily syncs, on both sides of the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.demo.bulk import Bulk
from config.demo.deals import changes_of
from config.demo.histories import CRM_NAME
from config.demo.records import DemoCompany
from config.demo.seed_settings import Ground
from integrations.actions.push.draft_leads import LeadDraft, draft_leads
from integrations.models import (
    Connection,
    ExternalRecord,
    PendingPush,
    RecordKind,
    StageMap,
    SyncRun,
    Watermark,
)
from integrations.pure.daily import last_sync, next_sync
from integrations.sandbox_crm.store import Store
from leads.models import Lead, Opportunity, PipelineStage, User

SLUG = "sandbox-main"
SECRET_AGE_DAYS = 41  # the token was last replaced then
_DAYS_OF_RUNS = 21
_DRAFTS = 1_000
Fields = dict[int, dict[str, Any]]


def last_push(company: DemoCompany) -> datetime:
    """When the last daily sync ran."""
    return last_sync(company.until, ZoneInfo(company.time_zone))


def write_connection(bulk: Bulk, company: DemoCompany, url: str, token: str) -> Connection:
    """The connection with its secret, and which of our stages the remote ones mean."""
    connection = Connection(
        public_id=bulk.public_id(),
        slug=SLUG,
        name=CRM_NAME,
        kind="sandbox",
        base_url=url,
        secret=token,
        secret_set_at=last_push(company) - timedelta(days=SECRET_AGE_DAYS),
        health=Connection.Health.OK,
        health_at=last_push(company),
        created_at=company.since,
    )
    bulk.put(Connection, [connection])
    bulk.stream(
        StageMap,
        (
            {"connection_id": connection.pk, "remote_key": stage.key, "remote_name": stage.name, "stage_id": stage.pk}
            for stage in PipelineStage.objects.order_by("position")
        ),
    )
    bulk.stream(
        Watermark,
        ({"connection_id": connection.pk, "kind": kind, "read_to": last_push(company)} for kind in ("person", "deal")),
    )
    return connection


def write_links(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    connection: Connection,
    leads: list[Lead],
    deals: list[Opportunity],
) -> Fields:
    """Who is linked to what, and what was sent; returns the fields the CRM holds of each lead it knows.

    Leads changed since the last daily push are still owed to the CRM.
    """
    pushed = last_push(company)
    reps = [user for user, person in zip(ground.users, company.people, strict=True) if person.shares]
    shared = {"connection_id": connection.pk, "synced_at": pushed}
    bulk.stream(
        ExternalRecord,
        (
            {**shared, "kind": RecordKind.OWNER, "remote_id": owner_id(place), "owner_id": rep.pk}
            for place, rep in enumerate(reps)
        ),
    )
    drafts = _drafts(connection, [lead for _, lead in synced(company, leads)])
    bulk.stream(
        ExternalRecord,
        (
            {
                **shared,
                "kind": RecordKind.PERSON,
                "remote_id": person_id(number),
                "lead_id": lead.pk,
                "remote_changed_at": min(lead.changed_at, pushed),
                "content_hash": drafts[lead.pk].content_hash if lead.changed_at <= pushed else "",
            }
            for number, lead in synced(company, leads)
        ),
    )
    bulk.stream(
        ExternalRecord,
        (
            {
                **shared,
                "kind": RecordKind.DEAL,
                "remote_id": deal_id(number),
                "opportunity_id": deal.pk,
                "remote_changed_at": deal.changed_at,
            }
            for number, deal in enumerate(deals)
        ),
    )
    bulk.stream(PendingPush, _pushes(company, connection, leads))
    _write_runs(bulk, company, connection, leads, deals)
    return {lead: dict(drafted.draft.fields) for lead, drafted in drafts.items()}


def _drafts(connection: Connection, leads: list[Lead]) -> dict[int, LeadDraft]:
    """Every lead as the push would send it."""
    drafts: dict[int, LeadDraft] = {}
    for start in range(0, len(leads), _DRAFTS):
        drafts |= draft_leads(connection=connection, lead_ids=[lead.pk for lead in leads[start : start + _DRAFTS]])
    return drafts


def _pushes(company: DemoCompany, connection: Connection, leads: list[Lead]) -> Iterator[dict[str, Any]]:
    """What every lead was or is owed: done by the sync after its change, or waiting for the next one."""
    tz, pushed = ZoneInfo(company.time_zone), last_push(company)
    for lead in leads:
        if belongs_in_crm(lead):
            is_done = lead.changed_at <= pushed
            due_at = next_sync(lead.changed_at, tz)
            yield {
                "connection_id": connection.pk,
                "lead_id": lead.pk,
                "reason": "changed",
                "not_before": due_at,
                "changed_at": lead.changed_at,
                "state": PendingPush.State.DONE if is_done else PendingPush.State.PENDING,
                "attempts": int(is_done),
                "settled_at": due_at if is_done else None,
            }


def load_sandbox(
    path: str | Path,
    company: DemoCompany,
    users: list[User],
    leads: list[Lead],
    deals: list[Opportunity],
    fields: Fields,
) -> int:
    """Fill the CRM's own file, all or nothing; returns the number of people. Does nothing where some are there."""
    store = Store(path)
    try:
        store.add_defaults()
        if store.counts().get("people"):
            return store.counts()["people"]
        reps = [user for user, person in zip(users, company.people, strict=True) if person.shares]
        remote_owner = {rep.pk: owner_id(place) for place, rep in enumerate(reps)}
        people = [
            {
                **fields[lead.pk],
                "owner_id": fields[lead.pk]["owner_id"] or None,
                "id": person_id(number),
                "external_id": str(lead.public_id),
                "created_at": lead.captured_at,
                "modified_at": lead.changed_at,
            }
            for number, lead in synced(company, leads)
        ]
        loaded = store.bulk_load(
            owners=[{"id": owner_id(place), "name": rep.name, "email": rep.email} for place, rep in enumerate(reps)],
            people=people,
            deals=[_deal(number, deal, remote_owner) for number, deal in enumerate(deals)],
            contacts=_contacts(company, leads),
            history=_history(company),
        )
        return loaded["people"]
    finally:
        store.close()


def synced(company: DemoCompany, leads: list[Lead]) -> Iterable[tuple[int, Lead]]:
    """The leads the CRM knows, with their number."""
    pushed = last_push(company)
    return [(number, lead) for number, lead in enumerate(leads) if lead.captured_at <= pushed and belongs_in_crm(lead)]


def belongs_in_crm(lead: Lead) -> bool:
    """All but the losers of a merge."""
    return lead.merged_into_id is None


def owner_id(place: int) -> str:
    """The remote id of a rep."""
    return f"O-{101 + place}"


def person_id(number: int) -> str:
    """The remote id of a lead."""
    return f"P-{number + 1:06d}"


def deal_id(number: int) -> str:
    """The remote id of an opportunity."""
    return f"D-{number + 1:06d}"


def _deal(number: int, deal: Opportunity, owners: dict[int, str]) -> dict[str, Any]:
    return {
        "id": deal_id(number),
        "name": deal.name,
        "stage": deal.stage.key,
        "amount_cents": deal.amount_cents,
        "currency": deal.currency,
        "close_on": deal.expected_close_on,
        "closed_at": deal.closed_at,
        "lost_reason": deal.lost_reason,
        "owner_id": owners.get(deal.owner_id or 0),
        "created_at": deal.opened_at,
        "modified_at": deal.changed_at,
    }


def _contacts(company: DemoCompany, leads: list[Lead]) -> list[dict[str, str]]:
    known = {number for number, _ in synced(company, leads)}
    return [
        {"deal_id": deal_id(number), "person_id": person_id(lead), "role": role}
        for number, deal in enumerate(company.deals)
        for lead, role in deal.contacts
        if lead in known
    ]


def _history(company: DemoCompany) -> list[dict[str, Any]]:
    rows = []
    for number, made in enumerate(company.deals):
        before: str | None = None
        for change in changes_of(made):
            rows.append(
                {
                    "deal_id": deal_id(number),
                    "from_stage": before,
                    "to_stage": change.stage,
                    "amount_cents": change.cents,
                    "currency": made.currency,
                    "changed_at": change.at,
                }
            )
            before = change.stage
    return rows


def _write_runs(
    bulk: Bulk, company: DemoCompany, connection: Connection, leads: list[Lead], deals: list[Opportunity]
) -> None:
    """The log of the last three weeks: one push and one pull a night."""
    runs = []
    for back in range(_DAYS_OF_RUNS, -1, -1):
        end = last_push(company) - timedelta(days=back)
        start = end - timedelta(days=1)
        new = sum(start < lead.captured_at <= end and belongs_in_crm(lead) for lead in leads)
        changed = sum(lead.captured_at <= start < lead.changed_at <= end for lead in leads)
        opened = sum(start < deal.opened_at <= end for deal in deals)
        moved = sum(deal.opened_at <= start < deal.changed_at <= end for deal in deals)
        for direction, created, updated, size, offset in (
            (SyncRun.Direction.PUSH, new, changed, 100, 0),
            (SyncRun.Direction.PULL, opened, moved, 500, 2),
        ):
            begun = end + timedelta(minutes=offset)
            runs.append(
                {
                    "public_id": bulk.public_id(),
                    "connection_id": connection.pk,
                    "direction": direction,
                    "state": SyncRun.State.DONE,
                    "reason": "daily",
                    "created": created,
                    "updated": updated,
                    "calls": 3 + (created + updated) // size,
                    "started_at": begun,
                    "finished_at": begun + timedelta(seconds=2 + (created + updated) // 60),
                }
            )
    bulk.stream(SyncRun, runs)
