"""Read accounts: what a CRM holds about companies that we know by their domain. None is made here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.actions.local_values import OwnerBook, owner_book
from integrations.actions.pull.settle_link import settle_link
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Connector, RemoteRecord
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord
from integrations.pure.mapping import Direction, FieldRule, Policy, get_field, has_field
from integrations.pure.merging import LEFT, Verdict, decide, essence
from integrations.queries.change_words import names_in, pair_words
from integrations.queries.mapping import rules_of
from leads.actions.identity.revise_accounts import AccountRevision, RevisedAccount, revise_accounts
from leads.models import Account
from leads.pure.spelling.identity import InvalidDomain, is_site_of_many, normalize_domain

# Accounts come in our names. Who owns one decides about routing, so nobody is replaced unless an admin says so.
NAMES = ("name", "industry", "owner_id")
RULES = tuple(FieldRule(name, name, Direction.PULL, Policy.FILL_EMPTY) for name in NAMES)
_LENGTHS = {"name": 200, "industry": 80}
_COLUMNS = (
    "remote_id", "remote_name", "remote_changed_at", "synced_at", "archived_at", "merged_into", "snapshot",
)  # fmt: skip
_Outcome = SyncRecord.Outcome


@dataclass(slots=True)
class ReadAccount:
    """A record of an account of ours. ``values`` is what to write here, ``snapshot`` what was agreed then,
    ``fate`` what became of the record in the CRM."""

    record: RemoteRecord
    link: ExternalRecord
    account: Account
    values: dict[str, Any] = field(default_factory=dict)
    snapshot: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fate: str = ""

    @property
    def is_news(self) -> bool:
        """Whether anything is to be written."""
        is_told = self.values or self.notes or self.fate or self.link.pk is None
        return bool(is_told) or self.snapshot != self.link.snapshot


class AccountPages:
    """Reads pages of accounts of one connection; a page costs a fixed number of queries."""

    kind = RecordKind.ACCOUNT

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        chosen = {rule.local: rule for rule in (*RULES, *rules_of(connection)["account"])}
        self.rules = [chosen[name] for name in NAMES]
        self.owners: OwnerBook = owner_book(connection=connection)
        self.strangers = 0
        self._read: list[ReadAccount] = []
        self._count = 0

    def look(self, records: Sequence[RemoteRecord]) -> None:
        """Match a page by link, else by domain. Reads only."""
        newest = {record.remote_id: record for record in records}
        self._count = len(records)
        self._links = self._known({*newest, *(each.merged_into for each in newest.values() if each.merged_into)})
        domains = {each: _domain(record) for each, record in newest.items() if each not in self._links}
        known = {row.domain: row for row in Account.objects.filter(domain__in={*domains.values()} - {""})}
        self._read = []
        # What the page itself will write: two records of the CRM may be one account here.
        held: dict[int, dict[str, Any]] = {}
        for remote_id, record in newest.items():
            link = self._links.get(remote_id)
            account = link.account if link else known.get(domains.get(remote_id, ""))
            if account is None or (link is None and (record.is_archived or record.merged_into)):
                self.strangers += 1
                continue
            link = link or ExternalRecord(
                connection=self.connection, kind=self.kind, remote_id=remote_id, account=account
            )
            if link.held_at is None:
                ours = held.setdefault(account.pk, {name: getattr(account, name) for name in NAMES})
                read = self._compare(record, link, account, ours)
                self._read.append(read)
                ours |= read.values

    def fetch_more(self, connector: Connector) -> None:
        """Nothing: an account's record is whole."""

    def write(self, run: RunLog, at: datetime) -> Collection[int]:
        """Write the page in the caller's transaction; no lead is owed to the CRM for it."""
        news = [each for each in self._read if each.is_news]
        revisions = [AccountRevision(each.account.pk, each.values) for each in news if each.values]
        revised: dict[int, list[RevisedAccount]] = {}
        for answer in revise_accounts(revisions=revisions):
            revised.setdefault(answer.account_id, []).append(answer)
        changed, names = 0, names_in(one.written for answers in revised.values() for one in answers)
        for each in news:
            answers = revised.get(each.account.pk)
            written = answers.pop(0).written if each.values and answers else {}
            self._settle(each, at)
            changed += self._note(run, each, written, names, at)
        links = [each.link for each in news]
        ExternalRecord.objects.bulk_update([link for link in links if link.pk], _COLUMNS, batch_size=200)
        ExternalRecord.objects.bulk_create([link for link in links if not link.pk], ignore_conflicts=True)
        run.run.unchanged += self._count - changed
        return ()

    def _known(self, remote_ids: Collection[str]) -> dict[str, ExternalRecord]:
        rows = ExternalRecord.objects.filter(connection=self.connection, kind=self.kind, account__isnull=False)
        return {row.remote_id: row for row in rows.filter(remote_id__in=remote_ids).select_related("account")}

    # --- one record ---

    def _compare(
        self, record: RemoteRecord, link: ExternalRecord, account: Account, ours: dict[str, Any]
    ) -> ReadAccount:
        read = ReadAccount(record, link, account, snapshot=dict(link.snapshot))
        if record.merged_into:
            read.fate = _Outcome.MERGED if link.merged_into != record.merged_into else ""
            # The first record of ours in one that we do not know goes on as that record.
            self._links.setdefault(record.merged_into, link)
        elif record.is_archived:
            read.fate = _Outcome.ARCHIVED if link.archived_at is None else ""
        else:
            if link.archived_at is not None:
                read.notes.append("It is back in the CRM.")
            for rule in self.rules:
                if rule.direction is not Direction.PUSH and has_field(record.fields, rule.remote):
                    self._merge(read, rule, ours[rule.local], get_field(record.fields, rule.remote))
        return read

    def _merge(self, read: ReadAccount, rule: FieldRule, ours: Any, theirs: Any) -> None:
        name, text = rule.local, str(theirs or "").replace("\0", "").strip()
        value: Any = text[: _LENGTHS[name]] if name in _LENGTHS else self.owners.users.get(text)
        if name == "owner_id" and value is None:
            if text and decide(rule, ours, text, read.link.snapshot) is Verdict.IN:
                self._leave(read, name, text, f"owner: the CRM's owner {text[:40]!a} is none of our users")
            return
        if decide(rule, ours, value, read.link.snapshot) is Verdict.IN and (value or name != "name"):
            read.values[name] = value
            if value != text and name in _LENGTHS:
                read.notes.append(f"{name}: cut to {_LENGTHS[name]} characters.")
        read.snapshot[name] = essence(value)
        read.snapshot.pop(f"{LEFT}{name}", None)

    def _leave(self, read: ReadAccount, name: str, theirs: str, problem: str) -> None:
        """What cannot be taken over is told once."""
        if read.snapshot.get(f"{LEFT}{name}") != theirs:
            read.notes.append(problem)
        read.snapshot[f"{LEFT}{name}"] = theirs

    # --- writing ---

    def _settle(self, each: ReadAccount, at: datetime) -> None:
        link, record = each.link, each.record
        link.remote_name = str(record.fields.get("name") or link.remote_name)[:200]
        winner = self._links[record.merged_into] if record.merged_into else None
        each.notes += settle_link(
            link=link, record=record, snapshot=each.snapshot, winner=winner, noun="account", at=at
        )
        if winner is not None and winner.account_id != link.account_id and each.fate:
            each.notes.append(f"The CRM took this account and {winner.account} for one company. Here they are two.")

    def _note(
        self,
        run: RunLog,
        each: ReadAccount,
        written: Mapping[str, list[Any]],
        names: Mapping[str, Mapping[Any, str]],
        at: datetime,
    ) -> bool:
        outcome = each.fate or (_Outcome.UPDATED if written else _Outcome.SKIPPED if each.notes else "")
        if outcome:
            run.add(
                outcome,
                at,
                kind=self.kind,
                way=SyncRecord.Way.IN,
                account=each.account,
                remote_id=each.record.remote_id,
                changes={name: pair_words(name, pair, names) for name, pair in written.items()},
                written=written,
                note=" ".join(each.notes),
            )
        return bool(written or each.fate)


def _domain(record: RemoteRecord) -> str:
    try:
        domain = normalize_domain(str(record.fields.get("domain") or ""))
    except InvalidDomain:
        return ""
    # Whose website is a page on linkedin.com, is not LinkedIn.
    return "" if is_site_of_many(domain) else domain
