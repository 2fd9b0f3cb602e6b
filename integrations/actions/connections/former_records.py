"""Keep the links of a connection that is deleted, for a new connection to the same account of the CRM: so that it finds
the deals, people, accounts and campaigns that were read before, and reads none of them as a new one."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from integrations.connectors.base import Connector, CrmError
from integrations.models import Connection, ExternalRecord, FormerRecord

_BATCH = 500
_SHARED = ("kind", "remote_id", "lead_id", "opportunity_id", "account_id", "campaign_id", "is_born_there", "lacks_key")
_OURS = Q(lead__isnull=False) | Q(opportunity__isnull=False) | Q(account__isnull=False) | Q(campaign__isnull=False)


def learn_account(*, connection: Connection, connector: Connector) -> None:
    """Learn whose account this is, where nobody has tested the connection: after it is deleted, another one finds its
    records by that. A CRM that does not answer tells nothing; whoever goes on with it hears why."""
    if connection.account.get("id"):
        return
    try:
        info = connector.check()
    except CrmError:
        return
    facts = {"name": info.name, "user": info.user, "currency": info.currency, "time_zone": info.time_zone}
    with transaction.atomic():
        connection.account = {**facts, **connection.account, "id": info.account_id}
        Connection.objects.filter(pk=connection.pk).update(account=connection.account)
        take_former_records(connection=connection)


def keep_former_records(*, connection: Connection) -> int:
    """Keep the links in the caller's transaction; returns how many. None of an account that was never learned."""
    account_key = _account_key(connection)
    if not account_key:
        return 0
    account = {"vendor": connection.kind, "account_key": account_key}
    FormerRecord.objects.filter(**account).delete()
    rows = ExternalRecord.objects.filter(_OURS, connection=connection).values(*_SHARED).iterator(chunk_size=_BATCH)
    kept = [FormerRecord(**account, source=connection.source, **row) for row in rows]
    FormerRecord.objects.bulk_create(kept, batch_size=_BATCH)
    return len(kept)


def take_former_records(*, connection: Connection) -> int:
    """Take over links of a deleted connection to the same account, in the caller's transaction; returns how many.

    They carry no hash, so that every record is read and compared anew.
    """
    account_key = _account_key(connection)
    if not account_key:
        return 0
    former = FormerRecord.objects.filter(vendor=connection.kind, account_key=account_key)
    rows = list(former.values("source", *_SHARED))
    if not rows:
        return 0
    source = str(rows[0]["source"])
    Connection.objects.filter(pk=connection.pk, source_key="").update(source_key=source)
    links = [ExternalRecord(connection=connection, **{name: row[name] for name in _SHARED}) for row in rows]
    ExternalRecord.objects.bulk_create(links, batch_size=_BATCH, ignore_conflicts=True)
    former.delete()
    return len(rows)


def _account_key(connection: Connection) -> str:
    return str(connection.account.get("id") or "")[:200]
