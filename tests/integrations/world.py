"""A running sandbox CRM, a connection to it, leads owed to it, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from integrations.actions.connections.open_connector import connector_of
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.jobs.run_sync import Synced, run_sync
from integrations.actions.pull.pull import pull_held
from integrations.actions.push.push import push_held
from integrations.actions.runs.hold_connection import hold_connection
from integrations.connectors.base import Account, Connector
from integrations.connectors.http import Limits
from integrations.connectors.sandbox import SandboxConnector
from integrations.models import Connection, FieldMap, PendingPush, SyncRun
from integrations.pure.mapping import PERSON_RULES
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Lead
from tests.integrations.sandbox_crm.running import TOKEN
from tests.leads.factories import LeadFactory

QUICK = Limits(connect=1, read=0.5, total=1)


@dataclass
class Clock:
    """Reads the time of day plus what tests have added."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_by(self, **amount: float) -> None:
        self.ahead += timedelta(**amount)


def connect(url: str, slug: str = "sandbox", **fields: Any) -> Connection:
    at = datetime.now(UTC)
    values = {"name": "Sandbox", "kind": "sandbox", "secret": TOKEN, "secret_set_at": at, "created_at": at, **fields}
    return Connection.objects.create(slug=slug, base_url=url, **values)


def owe(connection: Connection, lead: Lead, **fields: Any) -> PendingPush:
    at = datetime.now(UTC) - timedelta(minutes=1)
    return PendingPush.objects.create(
        connection=connection, lead=lead, **{"not_before": at, "changed_at": at, "reason": "captured", **fields}
    )


def owed_leads(connection: Connection, count: int, **fields: Any) -> list[Lead]:
    leads = LeadFactory.create_batch(count, **fields)
    for lead in leads:
        owe(connection, lead)
    return leads


def push_connection(
    *, connection_id: int, clock: Callable[[], datetime], seed: int = 0, connector: Connector | None = None
) -> SyncRun:
    """One direction alone, under a lease of its own."""
    with (
        hold_connection(connection_id=connection_id, clock=clock) as held,
        connector_of(connection=held.connection, given=connector) as opened,
    ):
        return push_held(held=held, connector=opened, rng=Random(seed), reason="push")


def pull_connection(
    *, connection_id: int, clock: Callable[[], datetime], is_full: bool = False, connector: Connector | None = None
) -> SyncRun:
    """The other direction alone."""
    with (
        hold_connection(connection_id=connection_id, clock=clock) as held,
        connector_of(connection=held.connection, given=connector) as opened,
    ):
        return pull_held(held=held, connector=opened, rng=Random(0), reason="pull", is_full=is_full)


def people(crm: SandboxServer) -> list[str]:
    """External ids of everybody in the CRM's own store, once per row."""
    return [row["external_id"] for row in crm.store.page("people", limit=100_000)]


def connector_to(url: str, token: str = TOKEN, **options: Any) -> SandboxConnector:
    return SandboxConnector(Account(url, {"token": token}, allow_loopback=True), **options)


def states(connection: Connection) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in PendingPush.objects.filter(connection=connection).values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def reading_now(url: str, **options: Any) -> SandboxConnector:
    """A connector whose windows end a second later: the server's Date has no fractions, so what was changed in this
    very second would else belong to the next window."""
    connector = connector_to(url, **options)
    reference = connector.reference

    def later() -> Any:
        read = reference()
        return replace(read, server_time=read.server_time + timedelta(seconds=1))

    connector.reference = later
    return connector


def map_person(connection: Connection, *rules: tuple[str, str, str, str]) -> None:
    """The mapping of people: (local, remote, direction, policy); the rest is pushed as ever."""
    own = {local for local, *_ in rules}
    rest = [(rule.local, rule.remote, "push", "ours") for rule in PERSON_RULES if rule.local not in own]
    FieldMap.objects.filter(connection=connection, kind="person").delete()
    FieldMap.objects.bulk_create(
        FieldMap(connection=connection, kind="person", local=a, remote=b, direction=c, policy=d, position=position)
        for position, (a, b, c, d) in enumerate([*rules, *rest])
    )


def sync(connection: Connection, clock: Clock, reason: str = "asked for", **options: Any) -> Synced:
    connector = options.pop("connector", None) or reading_now(connection.base_url)
    follow_changes(at=clock())
    return run_sync(connection_id=connection.pk, reason=reason, clock=clock, seed=1, connector=connector, **options)


def edit_person(crm: SandboxServer, lead: Lead, **fields: Any) -> None:
    """Somebody changes the person in the CRM."""
    (answer,) = crm.store.upsert_people([{"external_id": str(lead.public_id), **fields}])
    assert answer["status"] in ("updated", "unchanged"), answer


def person_in(crm: SandboxServer, lead: Lead) -> dict[str, Any]:
    (row,) = crm.store.find("people", [str(lead.public_id)])
    return row
