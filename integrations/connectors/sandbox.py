"""The connector for the sandbox CRM: keyed batches of 100, pages by (modified, id), stage history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from integrations.pure.mapping import DEAL_RULES, PERSON_RULES, FieldRule, Money

from .base import (
    Account,
    AccountInfo,
    CampaignMember,
    Capabilities,
    Connector,
    Created,
    Draft,
    Hint,
    Kind,
    Misuse,
    Outage,
    Outcome,
    Owner,
    Page,
    QuotaDay,
    RawWebhook,
    Reference,
    Rejected,
    RemoteActivity,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    RetryLater,
    Schema,
    SchemaField,
    SecretSpec,
    SignIn,
    Stage,
    StageChange,
    Unchanged,
    Unknown,
    Updated,
    Vendor,
    Window,
    as_day,
)
from .errors import Reading
from .http import Answer, Bearer, CrmSession, Hosts, Limits

VENDOR = Vendor(
    kind="sandbox",
    name="Sandbox CRM",
    sign_ins=(SignIn("token", "Access token", (SecretSpec("token", "Access token"),)),),
    url_help="Where the sandbox CRM runs, for example http://127.0.0.1:8081.",
)
RULES: Mapping[Kind, tuple[FieldRule, ...]] = {"person": PERSON_RULES, "deal": DEAL_RULES}
PATHS: dict[Kind, str] = {"person": "/v1/people", "deal": "/v1/deals"}
BATCH = 100
PAGE = 500
SETTLED: dict[str, type[Created] | type[Updated] | type[Unchanged]] = {
    "created": Created,
    "updated": Updated,
    "unchanged": Unchanged,
}
SCHEMAS: dict[Kind, tuple[SchemaField, ...]] = {
    "person": (
        SchemaField("external_id", "External id", "text", is_required=True),
        SchemaField("email", "Email", "text"),
        SchemaField("first_name", "First name", "text"),
        SchemaField("last_name", "Last name", "text"),
        SchemaField("company", "Company", "text"),
        SchemaField("job_title", "Job title", "text"),
        SchemaField("phone", "Phone", "text"),
        SchemaField("country", "Country", "text"),
        SchemaField("region", "Region", "text"),
        SchemaField("postal_code", "Postal code", "text"),
        SchemaField("industry", "Industry", "text"),
        SchemaField("company_size", "Employees", "number"),
        SchemaField("owner_id", "Owner", "owner"),
        SchemaField("properties", "Own properties", "object"),
    ),
    "deal": (
        SchemaField("external_id", "External id", "text"),
        SchemaField("name", "Name", "text", is_required=True),
        SchemaField("stage", "Stage", "stage"),
        SchemaField("status", "Status", "text", is_writable=False),
        SchemaField("amount", "Amount", "money"),
        SchemaField("currency", "Currency", "text"),
        SchemaField("close_on", "Close date", "date"),
        SchemaField("closed_at", "Closed at", "datetime", is_writable=False),
        SchemaField("lost_reason", "Lost because", "text"),
        SchemaField("owner_id", "Owner", "owner"),
        SchemaField("properties", "Own properties", "object"),
    ),
}


class SandboxConnector:
    """`Connector` for the sandbox CRM; the account's secret is `token`."""

    beat: Callable[[], object] = staticmethod(lambda: None)
    capabilities = Capabilities(
        batch_size=BATCH, idempotent_upsert=True, pushes=frozenset({"person"}), deletes=True, history=True
    )

    def __init__(self, account: Account, *, limits: Limits | None = None, page_size: int = PAGE) -> None:
        token = account.secrets.get("token", "")
        self._session = CrmSession(
            account.base_url,
            auth=Bearer(token),
            hosts=Hosts(allow_loopback=account.allow_loopback),
            limits=limits,
            secrets=(token,),
            classify=_classify,
        )
        self._page_size = page_size

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._session.calls

    @property
    def quota(self) -> None:
        """The sandbox CRM counts no days."""
        return

    def close(self) -> None:
        """Let go of the sockets."""
        self._session.close()

    def check(self) -> AccountInfo:
        """Whose account it is."""
        answer = self._session.call("GET", "/v1/me")
        with Reading("/v1/me"):
            account, user = answer.payload["account"], answer.payload["user"]
            return AccountInfo(str(account["id"]), str(account["name"]), str(user["name"]), _clock(answer))

    def describe(self, kind: Kind) -> Schema:
        """The fields, which are fixed here."""
        return Schema(kind, SCHEMAS[kind])

    def prepare(self) -> tuple[str, ...]:
        """Nothing to make: it knows external ids by itself."""
        return ()

    def gone(self, kind: Kind, window: Window, resume: str | None = None, *, lists: bool = True) -> Iterator[Page]:
        """Nothing: archived records come with the changes."""
        return iter(())

    def living(self, kind: Kind, made_before: datetime) -> int | None:
        """Nothing: what is gone comes with the changes."""
        return None

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """Nothing: it has no campaigns."""
        return iter(())

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Nothing: it has no campaigns."""
        return iter(())

    def activities(self, kinds: Sequence[str], window: Window, names: Sequence[str] = ()) -> Iterator[RemoteActivity]:
        """Nothing: it keeps no activities."""
        return iter(())

    def reference(self) -> Reference:
        """Stages and owners, two calls. The clock is the first answer's: nothing read later is older."""
        stages = self._session.call("GET", "/v1/stages")
        owners = self._session.call("GET", "/v1/owners")
        with Reading("/v1/stages and /v1/owners"):
            return Reference(
                tuple(
                    Stage(row["key"], row["name"], row["position"], row["probability"], row["status"])
                    for row in stages.payload["results"]
                ),
                tuple(Owner(row["id"], row["name"], row["email"], row["active"]) for row in owners.payload["results"]),
                _clock(stages),
            )

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """One call per 100 drafts. After an unclear answer the rest is put off: the CRM is unwell."""
        if kind not in self.capabilities.pushes:
            raise Misuse(f"The sandbox CRM takes no {kind}s from us.", code="unsupported")
        unwell = ""
        for start in range(0, len(drafts), BATCH):
            chunk = drafts[start : start + BATCH]
            if unwell:
                yield from (RetryLater(draft.key, unwell) for draft in chunk)
                continue
            sent = [draft for draft in chunk if draft.if_new is None]
            rows = [{**_plain(draft.fields), "external_id": draft.key} for draft in sent]
            try:
                answer = self._session.call("POST", "/v1/people/upsert", body={"records": rows}) if rows else None
                told = iter(_outcomes(sent, answer.payload) if answer else ())
                yield from (draft.if_new or next(told) for draft in chunk)
            except Outage as outage:
                if not outage.unclear:
                    raise
                unwell = outage.code
                yield from (Unknown(draft.key, outage.code) for draft in chunk)

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 keys; archived records are found too."""
        found: dict[str, RemoteRecord] = {}
        for start in range(0, len(keys), BATCH):
            path = PATHS[kind]
            answer = self._session.call("GET", path, params={"external_id": list(keys[start : start + BATCH])})
            with Reading(path):
                records = [_record(kind, row) for row in answer.payload["results"]]
            found |= {record.key: record for record in records if record.key is not None}
        return found

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 ids; archived records are found too."""
        found: dict[str, RemoteRecord] = {}
        for start in range(0, len(ids), BATCH):
            path = PATHS[kind]
            answer = self._session.call("GET", path, params={"id": list(ids[start : start + BATCH])})
            with Reading(path):
                records = [_record(kind, row) for row in answer.payload["results"]]
            found |= {record.remote_id: record for record in records}
        return found

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Pages of up to 500."""
        path = PATHS[kind]
        params: dict[str, Any] = {"modified_to": window.until.isoformat(), "limit": self._page_size}
        if window.since is not None:
            params["modified_from"] = window.since.isoformat()
        while True:
            answer = self._session.call("GET", path, params=params | ({"cursor": resume} if resume else {}))
            with Reading(path):
                records = tuple(_record(kind, row) for row in answer.payload["results"])
                following = answer.payload["next_cursor"]
            if following is not None and following == resume:
                raise Outage(f"GET {path} gave the same cursor twice.", code="unreadable")
            resume = following
            yield Page(records, resume)
            if resume is None:
                return

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """One call per 100 deals."""
        path = "/v1/deals/history"
        for start in range(0, len(ids), BATCH):
            answer = self._session.call("POST", path, body={"ids": list(ids[start : start + BATCH])})
            with Reading(path):
                lines = [_stage_change(row) for row in answer.payload["results"]]
            yield from lines

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """The sandbox CRM sends none."""
        raise Misuse("The sandbox CRM sends no webhooks.", code="unsupported")


def connect(account: Account) -> Connector:
    """A connector for this account."""
    return SandboxConnector(account)


def _plain(value: Any) -> Any:
    """JSON's own types."""
    if isinstance(value, Money):
        value = value.amount
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _classify(status: int, headers: Mapping[str, str], payload: Any) -> QuotaDay | None:
    error = payload.get("error") if isinstance(payload, dict) else None
    if status == 429 and isinstance(error, dict) and error.get("code") == "daily_quota":
        try:
            resume_at = datetime.fromisoformat(str(error.get("resume_at")))
        except ValueError:
            return None
        return QuotaDay("The day's calls are spent.", code="daily_quota", resume_at=resume_at)
    return None


def _clock(answer: Answer) -> datetime:
    if answer.date is None:
        raise ValueError("no Date header")
    return answer.date


def _outcomes(chunk: Sequence[Draft], payload: Any) -> Iterator[Outcome]:
    """One outcome per draft. Rows that cannot be read leave it open whether their draft was written."""
    rows = payload.get("results") if isinstance(payload, dict) else None
    if not isinstance(rows, list) or len(rows) != len(chunk):
        yield from (Unknown(draft.key, "unreadable") for draft in chunk)
        return
    for index, (draft, row) in enumerate(zip(chunk, rows, strict=True)):
        yield _outcome(draft, row, index)


def _outcome(draft: Draft, row: Any, index: int) -> Outcome:
    if not isinstance(row, dict) or row.get("index") != index:
        return Unknown(draft.key, "unreadable")
    status, remote_id = row.get("status"), row.get("id")
    if isinstance(status, str) and status in SETTLED and isinstance(remote_id, str) and remote_id:
        return SETTLED[status](draft.key, remote_id)
    if status == "error":
        errors = row.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        said = (str(first.get(name) or "") for name in ("code", "message", "field"))
        code, message, field = said
        return Rejected(draft.key, code or "refused", message, field)
    return Unknown(draft.key, "unreadable")


def _record(kind: Kind, row: Mapping[str, Any]) -> RemoteRecord:
    fields = {each.name: row[each.name] for each in SCHEMAS[kind] if each.name != "external_id"}
    contacts: tuple[RemoteContact, ...] = ()
    if kind == "deal":
        fields["amount"] = None if row["amount"] is None else Decimal(row["amount"])
        fields["close_on"] = as_day(row["close_on"])
        fields["closed_at"] = datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None
        contacts = tuple(
            RemoteContact(each["person_id"], each["external_id"], each["role"]) for each in row["contacts"]
        )
    return RemoteRecord(
        kind=kind,
        remote_id=row["id"],
        key=row["external_id"],
        fields=fields,
        modified_at=datetime.fromisoformat(row["modified_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        is_archived=row["archived"],
        is_deleted=row["archived"],
        contacts=contacts,
    )


def _stage_change(row: Mapping[str, Any]) -> StageChange:
    return StageChange(
        remote_id=str(row["id"]),
        deal_id=row["deal_id"],
        from_stage=row["from_stage"],
        to_stage=row["to_stage"],
        amount=None if row["amount"] is None else Decimal(row["amount"]),
        currency=row["currency"],
        changed_at=datetime.fromisoformat(row["changed_at"]),
        changed_by=row["changed_by"],
    )
