"""Read accounts: what a CRM holds about companies that we know by their domain. None is made here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.actions.local_values import OwnerBook, owner_book
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Connector, RemoteRecord
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord
from integrations.pure.mapping import Direction, FieldRule, Policy, get_field, has_field
from integrations.pure.merging import Verdict, decide, essence
from integrations.queries.mapping import rules_of
from leads.actions.identity.revise_accounts import AccountRevision, revise_accounts
from leads.models import Account
from leads.pure.spelling.identity import InvalidDomain, normalize_domain

# Accounts come in our names. Who owns one decides about routing, so nobody is replaced unless an admin says so.
RULES = tuple(FieldRule(name, name, Direction.PULL, Policy.FILL_EMPTY) for name in ("name", "industry", "owner_id"))
_LENGTHS = {"name": 200, "industry": 80}


class AccountPages:
    """Reads pages of accounts of one connection."""

    kind = RecordKind.ACCOUNT

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        chosen = {rule.local: rule for rule in (*RULES, *rules_of(connection)["account"])}
        self.rules = [chosen[name] for name in ("name", "industry", "owner_id")]
        self.owners: OwnerBook = owner_book(connection=connection)
        self.strangers = 0
        self._read: list[tuple[RemoteRecord, ExternalRecord, Account, dict[str, Any]]] = []
        self._count = 0

    def look(self, records: Sequence[RemoteRecord]) -> None:
        """Match a page by link, else by domain. Reads only."""
        newest = {record.remote_id: record for record in records}
        self._count = len(records)
        rows = ExternalRecord.objects.filter(
            connection=self.connection, kind=self.kind, remote_id__in=newest, account__isnull=False
        )
        links = {row.remote_id: row for row in rows.select_related("account")}
        domains = {each: _domain(record) for each, record in newest.items() if each not in links}
        known = {row.domain: row for row in Account.objects.filter(domain__in={*domains.values()} - {""})}
        self._read = []
        for remote_id, record in newest.items():
            link = links.get(remote_id)
            account = link.account if link else known.get(domains.get(remote_id, ""))
            if account is None:
                self.strangers += 1
                continue
            link = link or ExternalRecord(
                connection=self.connection, kind=self.kind, remote_id=remote_id, account=account
            )
            if link.held_at is None:
                self._read.append((record, link, account, self._values(record, link, account)))

    def fetch_more(self, connector: Connector) -> None:
        """Nothing: an account's record is whole."""

    def write(self, run: RunLog, at: datetime) -> Collection[int]:
        """Write the page in the caller's transaction; no lead is owed to the CRM for it."""
        news = [row for row in self._read if row[3] or self._is_news(row[0], row[1])]
        revisions = [AccountRevision(account.pk, values) for _, _, account, values in news if values]
        written = {each.account_id: each.written for each in revise_accounts(revisions=revisions)}
        changed = 0
        for record, link, account, _ in news:
            link.remote_name = str(record.fields.get("name") or "")[:200]
            link.remote_changed_at, link.synced_at = record.modified_at, at
            link.archived_at = record.modified_at if record.is_archived else None
            link.merged_into = (record.merged_into or "")[:120]
            if pairs := written.pop(account.pk, None):
                changed += 1
                said = {name: [essence(each) for each in pair] for name, pair in pairs.items()}
                facts = {"account": account, "remote_id": record.remote_id, "changes": said, "written": pairs}
                run.add(SyncRecord.Outcome.UPDATED, at, kind=self.kind, way=SyncRecord.Way.IN, **facts)
        columns = ["remote_name", "remote_changed_at", "synced_at", "archived_at", "merged_into", "snapshot"]
        ExternalRecord.objects.bulk_update([link for _, link, _, _ in news if link.pk], columns, batch_size=200)
        ExternalRecord.objects.bulk_create([link for _, link, _, _ in news if not link.pk], ignore_conflicts=True)
        run.run.unchanged += self._count - changed
        return ()

    def _values(self, record: RemoteRecord, link: ExternalRecord, account: Account) -> dict[str, Any]:
        values: dict[str, Any] = {}
        base: Mapping[str, Any] = dict(link.snapshot)
        agreed = dict(link.snapshot)
        for rule in self.rules:
            if rule.direction is Direction.PUSH or not has_field(record.fields, rule.remote):
                continue
            theirs = get_field(record.fields, rule.remote)
            if rule.local == "owner_id":
                theirs = self.owners.users.get(str(theirs or ""))
                if theirs is None:
                    continue
            else:
                theirs = str(theirs or "").strip()[: _LENGTHS[rule.local]]
            verdict = decide(rule, getattr(account, rule.local), theirs, base, theirs_at=record.modified_at)
            if verdict is Verdict.IN and (theirs or rule.local != "name"):
                values[rule.local] = theirs
            agreed[rule.local] = essence(theirs)
        link.snapshot = agreed
        return values

    def _is_news(self, record: RemoteRecord, link: ExternalRecord) -> bool:
        return link.pk is None or (link.archived_at is not None) != record.is_archived


def _domain(record: RemoteRecord) -> str:
    try:
        return normalize_domain(str(record.fields.get("domain") or ""))
    except InvalidDomain:
        return ""
