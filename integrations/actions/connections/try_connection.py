"""Try a connection through: whose account it is, what is missing there, its stages, owners and fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from random import Random
from typing import Any

from django.db import transaction

from integrations.actions.connections.check_connection import Checked, explain
from integrations.actions.connections.former_records import take_former_records
from integrations.actions.connections.open_connector import open_connector
from integrations.actions.pull.read_reference import record_reference
from integrations.actions.runs.hold_connection import Clock, Held, hold_connection
from integrations.actions.runs.note_health import note_failure, note_quota, note_success
from integrations.connectors.base import AccountInfo, Connector, CrmError, Kind, Schema, ScopeMissing
from integrations.models import Connection, RemoteSchema

KINDS: tuple[Kind, ...] = ("person", "deal", "account")


def try_connection(*, connection_id: int, clock: Clock, seed: int) -> Checked:
    """Check the account, make what the CRM lacks for us, and keep what it told. Raises ConnectionBusy.

    What a person must still do there is kept in ``Connection.account["todo"]``. Never raises for what the CRM does.
    """
    with hold_connection(connection_id=connection_id, clock=clock, is_trial=True) as held:
        try:
            connector = open_connector(connection=held.connection)
        except CrmError as error:
            return _failed(held, error, seed)
        try:
            return _through(held, connector)
        except CrmError as error:
            return _failed(held, error, seed)
        finally:
            note_quota(connection=held.connection, quota=connector.quota)
            connector.close()


def _failed(held: Held, error: CrmError, seed: int) -> Checked:
    note_failure(connection=held.connection, error=error, at=held.clock(), rng=Random(seed))
    return Checked(explain(error=error), error)


def _through(held: Held, connector: Connector) -> Checked:
    info = connector.check()
    todo = list(connector.prepare())
    reference = connector.reference()
    spoken = connector.capabilities.pushes | connector.capabilities.pulls
    schemas: dict[Kind, Schema] = {}
    for kind in (each for each in KINDS if each in spoken):
        held.keep()
        try:
            schemas[kind] = connector.describe(kind)
        except ScopeMissing as error:
            todo.append(f"The fields of {kind}s may not be read: {error}")
    record_reference(held=held, reference=reference)
    at = held.keep()
    _keep(held.connection, info, todo, schemas, at)
    note_success(connection=held.connection, at=at)
    return Checked(f"Connected to {info.name} as {info.user}.", info=info)


def _keep(
    connection: Connection, info: AccountInfo, todo: list[str], schemas: Mapping[Kind, Schema], at: datetime
) -> None:
    account: dict[str, Any] = {
        "id": info.account_id,
        "name": info.name,
        "user": info.user,
        "currency": info.currency,
        "time_zone": info.time_zone,
        "todo": todo,
        "tested_at": at.isoformat(),
    }
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(account=account)
        connection.account = account
        take_former_records(connection=connection)
        if info.currency and not connection.currency:
            Connection.objects.filter(pk=connection.pk).update(currency=info.currency[:3])
        for kind, schema in schemas.items():
            fields = [asdict(each) for each in schema.fields]
            RemoteSchema.objects.update_or_create(
                connection=connection, kind=kind, defaults={"fields": fields, "read_at": at}
            )
