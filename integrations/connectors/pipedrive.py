"""The connector for Pipedrive: API v2, and v1 where v2 has no successor (users, leads, changelog).

Pipedrive has no batch, no upsert and no external id. Our id stands in a custom field of its people (`prepare` makes
it); whoever has no link yet is looked for by e-mail, then created, one after the other. An answer lost on the way is
`Unknown` until `find` has looked for our id. Reads are batched: one call tells of all people of a batch before their
writes, so that equal ones cost nothing further and e-mails that only Pipedrive knows survive a write.

Won and lost are statuses there, not stages: the reference gives each pipeline two stages more, `<pipeline>:won` and
`<pipeline>:lost`, and a closed deal stands in one of them. Deleted deals come with the changes, archived ones by
`gone`; people who vanished are told by nobody but webhooks and the reconcile's `fetch`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from integrations.pure.mapping import DEAL_RULES, Direction, FieldRule, Policy

from . import pipedrive_records as read
from .base import (
    Account,
    AccountInfo,
    CampaignMember,
    Capabilities,
    Connector,
    Created,
    CrmError,
    Draft,
    Hint,
    Kind,
    Misuse,
    Outage,
    Outcome,
    Page,
    Quota,
    RawWebhook,
    Reference,
    Rejected,
    RemoteCampaign,
    RemoteRecord,
    RetryLater,
    Schema,
    SecretSpec,
    SignIn,
    StageChange,
    Unchanged,
    Unknown,
    Updated,
    Vendor,
    Window,
)
from .http import Answer, Limits
from .pipedrive_session import open_session, quota_of

KEY_FIELD = "Portal lead ID"
BATCH, IDS, PAGE = 25, 100, 500
PATHS: dict[Kind, str] = {
    "person": "/api/v2/persons",
    "deal": "/api/v2/deals",
    "account": "/api/v2/organizations",
}
FIELD_PATHS: dict[Kind, str] = {
    "person": "/api/v2/personFields",
    "deal": "/api/v2/dealFields",
    "account": "/api/v2/organizationFields",
}
ARCHIVED = "/api/v2/deals/archived"
STATUSES = "open,won,lost,deleted"

VENDOR = Vendor(
    kind="pipedrive",
    name="Pipedrive",
    sign_ins=(
        SignIn("token", "API token", (SecretSpec("token", "API token", "Personal preferences › API in Pipedrive."),)),
        SignIn(
            "oauth",
            "OAuth app",
            (SecretSpec("client_secret", "Client secret"), SecretSpec("refresh_token", "Refresh token", is_long=True)),
            (SecretSpec("client_id", "Client ID"),),
        ),
    ),
    base_url="https://api.pipedrive.com",
    url_help="https://api.pipedrive.com, or your company's own address below pipedrive.com.",
    sandbox_path="/pipedrive",
    webhooks="password",
    docs_url="https://developers.pipedrive.com/docs/api/v1",
)
RULES: Mapping[Kind, tuple[FieldRule, ...]] = {
    "person": (
        FieldRule("first_name", "first_name"),
        FieldRule("last_name", "last_name"),
        FieldRule("email", "email"),
        FieldRule("phone", "phone", Direction.PUSH, Policy.FILL_EMPTY),
        FieldRule("owner_id", "owner_id"),
    ),
    "deal": DEAL_RULES,
}


def connect(account: Account) -> Connector:
    """A connector for this account."""
    return PipedriveConnector(account)


class PipedriveConnector:
    """`Connector` for Pipedrive. Secrets: `token`, or `client_secret` and `refresh_token`; settings: `client_id`,
    `make_leads` (a lead for each new person), `webhook_user`; the secret `webhook_password` verifies webhooks."""

    capabilities = Capabilities(
        batch_size=BATCH,
        idempotent_upsert=False,
        pushes=frozenset({"person"}),
        pulls=frozenset({"person", "deal", "account"}),
        deletes=True,
        gone=True,
        history=True,
        webhooks=True,
    )

    def __init__(self, account: Account, *, limits: Limits | None = None, page_size: int = PAGE) -> None:
        self._account, self._page_size = account, page_size
        self._quota: Quota | None = None
        self._session = open_session(account, limits, self._hear)
        self._key_code = ""
        self._made: dict[str, str] = {}

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._session.calls

    @property
    def quota(self) -> Quota | None:
        """The day's tokens that are left."""
        return self._quota

    def close(self) -> None:
        """Let go of the sockets."""
        self._session.close()

    def _hear(self, headers: Mapping[str, str]) -> None:
        self._quota = quota_of(headers) or self._quota

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self._session.call("GET", path, params=params)

    # --- what there is ---

    def check(self) -> AccountInfo:
        """Whose account it is."""
        answer = self._get("/api/v1/users/me")
        with read.reading("/api/v1/users/me"):
            user = answer.payload["data"]
            return AccountInfo(
                str(user["company_id"]),
                str(user["company_name"]),
                str(user["name"]),
                read.clock(answer),
                str(user.get("default_currency") or ""),
            )

    def describe(self, kind: Kind) -> Schema:
        """Our names for the standard fields, and the custom ones by their code."""
        path = FIELD_PATHS[kind]
        rows = [row for page in self._pages(path, {}) for row in page[0]]
        with read.reading(path):
            return read.schema(kind, rows)

    def prepare(self) -> tuple[str, ...]:
        """Make the custom field that holds our id, unless it is there."""
        if not self._find_key_code():
            path = FIELD_PATHS["person"]
            answer = self._session.call("POST", path, body={"field_name": KEY_FIELD, "field_type": "varchar"})
            with read.reading(path):
                self._key_code = str(answer.payload["data"]["field_code"])
        return ()

    def reference(self) -> Reference:
        """Stages of all pipelines and users, three calls; won and lost follow each pipeline's own stages."""
        first = self._get("/api/v2/pipelines", {"limit": PAGE})
        stages = self._get("/api/v2/stages", {"limit": PAGE})
        users = self._get("/api/v1/users")
        with read.reading("/api/v2/stages"):
            return Reference(
                read.stages(first.payload["data"] or [], stages.payload["data"] or []),
                read.owners(users.payload["data"] or []),
                read.clock(first),
            )

    def _find_key_code(self) -> str:
        if not self._key_code:
            path = FIELD_PATHS["person"]
            for rows, _ in self._pages(path, {}):
                with read.reading(path):
                    found = [str(row["field_code"]) for row in rows if row["field_name"] == KEY_FIELD]
                self._key_code = self._key_code or (found[0] if found else "")
        return self._key_code

    def _key(self) -> str:
        code = self._find_key_code()
        if not code:
            raise Misuse(f"People have no field {KEY_FIELD!r} yet: prepare the connection first.", code="not_prepared")
        return code

    # --- reading ---

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """A search by key, and one call per 100 people found, since a search says not in which field it matched."""
        if kind != "person":
            return {}
        self._key()
        ids = [each for key in keys for each in self._search(key, "custom_fields")]
        people = self.fetch("person", list(dict.fromkeys(ids)))
        found: dict[str, RemoteRecord] = {}
        for record in sorted(people.values(), key=lambda each: int(each.remote_id), reverse=True):
            if record.key in keys:
                found[record.key or ""] = record  # the oldest wins, should somebody have copied the field
        return found

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 ids, and one more where deals are missing: they may be archived."""
        known = [each for each in ids if each.isascii() and each.isdigit()]
        found: dict[str, RemoteRecord] = {}
        for start in range(0, len(known), IDS):
            part = known[start : start + IDS]
            found |= self._by_id(kind, PATHS[kind], part)
            if kind == "deal" and (missing := [each for each in part if each not in found]):
                found |= self._by_id(kind, ARCHIVED, missing)
        return found

    def _by_id(self, kind: Kind, path: str, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        status = {"status": STATUSES} if kind == "deal" else {}
        code = self._key() if kind == "person" else ""
        answer = self._get(path, {"ids": ",".join(ids), "limit": IDS, **status})
        with read.reading(path):
            records = [read.record(kind, row, code) for row in answer.payload["data"] or []]
        return {record.remote_id: record for record in records}

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Pages of up to 500 by the time of the last change; deleted deals among them."""
        status = {"status": STATUSES} if kind == "deal" else {}
        return self._window(kind, PATHS[kind], window, resume, status)

    def gone(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Archived deals, which have a path of their own; nothing of other kinds."""
        if kind != "deal":
            return iter(())
        return self._window(kind, ARCHIVED, window, resume, {"status": STATUSES})

    def _window(
        self, kind: Kind, path: str, window: Window, resume: str | None, more: Mapping[str, str]
    ) -> Iterator[Page]:
        code = self._key() if kind == "person" else ""
        # Pipedrive keeps whole seconds: a part of one counts as the whole.
        params: dict[str, Any] = {"updated_until": read.stamp(window.until + timedelta(microseconds=999_999)), **more}
        if window.since is not None:
            params["updated_since"] = read.stamp(window.since)
        params |= {"sort_by": "update_time", "sort_direction": "asc"}
        for rows, following in self._pages(path, params, resume):
            with read.reading(path):
                records = tuple(read.record(kind, row, code) for row in rows)
            yield Page(records, following)

    def _pages(
        self, path: str, params: Mapping[str, Any], cursor: str | None = None
    ) -> Iterator[tuple[list[Mapping[str, Any]], str | None]]:
        while True:
            query = {**params, "limit": self._page_size, **({"cursor": cursor} if cursor else {})}
            answer = self._get(path, query)
            with read.reading(path):
                rows = list(answer.payload["data"] or [])
                following = (answer.payload.get("additional_data") or {}).get("next_cursor") or None
            if following is not None and following == cursor:
                raise Outage(f"GET {path} gave the same cursor twice.", code="unreadable")
            cursor = following
            yield rows, cursor
            if cursor is None:
                return

    def _search(self, term: str, field: str) -> list[str]:
        """Ids of people by an exact term of one field, oldest first."""
        path = "/api/v2/persons/search"
        answer = self._get(path, {"term": term, "fields": field, "exact_match": "true", "limit": IDS})
        with read.reading(path):
            return sorted((str(row["item"]["id"]) for row in answer.payload["data"]["items"]), key=int)

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """One call per 100 deals, and one for each that ever moved or closed: the others' past is their creation."""
        for start in range(0, len(ids), IDS):
            deals = self.fetch("deal", ids[start : start + IDS])
            for record in deals.values():
                path = f"/api/v1/deals/{record.remote_id}/changelog"
                lines: list[Mapping[str, Any]] = []
                if read.has_moved(record):
                    lines = [line for rows, _ in self._pages(path, {}) for line in rows]
                with read.reading(path):
                    past = read.stage_changes(record, lines)
                yield from past

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """Nothing: Pipedrive's API has no campaigns."""
        return iter(())

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Nothing: Pipedrive's API has no campaigns."""
        return iter(())

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """A webhook of version 2, let in by HTTP Basic: Pipedrive signs nothing."""
        user = str(self._account.settings.get("webhook_user") or "portal")
        return read.hints(raw, user, self._account.secrets.get("webhook_password", ""))

    # --- writing ---

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """People one by one; what they hold now is read 100 at a time. After an unclear answer the rest is put off."""
        if kind not in self.capabilities.pushes:
            raise Misuse(f"Pipedrive takes no {kind}s from us.", code="unsupported")
        known: dict[str, RemoteRecord] = {}
        unwell = ""
        for index, draft in enumerate(drafts):
            if index % IDS == 0 and not unwell:
                part = drafts[index : index + IDS]
                known = self._known([remote for each in part if (remote := self._remote_id(each))])
            if unwell:
                yield RetryLater(draft.key, unwell)
                continue
            later: CrmError | None = None
            outcome = self._write(draft, known)
            if isinstance(outcome, Unknown):
                unwell = outcome.reason
            if isinstance(outcome, Created):
                self._made[draft.key] = outcome.remote_id
                later = self._make_lead(draft, outcome.remote_id)
            yield outcome
            if later is not None:
                raise later

    def _known(self, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        return self.fetch("person", list(dict.fromkeys(ids))) if ids else {}

    def _remote_id(self, draft: Draft) -> str | None:
        return draft.remote_id or self._made.get(draft.key)

    def _write(self, draft: Draft, known: Mapping[str, RemoteRecord]) -> Outcome:
        code = self._key()
        remote_id = self._remote_id(draft)
        record = known.get(remote_id or "")
        if record is None:
            record, others = self._first_contact(draft)
            if record is None and remote_id and others:
                # Made anew it would undo what somebody there merged.
                message = f"Person {remote_id} is gone; person {others[0]} has the e-mail and is another lead's."
                return Rejected(draft.key, "merged_away", message, "email")
        body = read.person_body(draft.fields, record) | {"custom_fields": read.custom_body(draft, code)}
        if record is not None:
            differing = read.differing(body, record)
            if not differing:
                return Unchanged(draft.key, record.remote_id)
            return self._send("PATCH", f"{PATHS['person']}/{record.remote_id}", differing, draft, Updated)
        if not body.get("name"):
            body["name"] = str(draft.fields.get("email") or draft.key)
        return self._send("POST", PATHS["person"], body, draft, Created)

    def _first_contact(self, draft: Draft) -> tuple[RemoteRecord | None, list[str]]:
        """A person of the same e-mail who is not somebody else of ours, the oldest; without an e-mail, of our key.
        Beside it the ids of people found who are other leads'."""
        email = str(draft.fields.get("email") or "")
        ids = self._search(email, "email") if email else self._search(draft.key, "custom_fields")
        people = self._known(ids[:IDS])
        of_ours = [each for each in people.values() if each.key == draft.key]
        of_nobody = [each for each in people.values() if not each.key] if email else []
        candidates = sorted(of_ours, key=_number) or sorted(of_nobody, key=_number)
        others = [each for each, person in people.items() if person.key not in (None, draft.key)]
        return (candidates[0] if candidates else None), others

    def _send(
        self, verb: str, path: str, body: Mapping[str, Any], draft: Draft, done: type[Created] | type[Updated]
    ) -> Outcome:
        try:
            answer = self._session.call(verb, path, body=body)
        except Outage as outage:
            if not outage.unclear:
                raise
            return Unknown(draft.key, outage.code)
        except Misuse as refused:
            if refused.code in ("host_refused", "redirect_refused"):
                raise
            return Rejected(draft.key, refused.code, str(refused)[:300], refused.field)
        try:
            return done(draft.key, str(int(answer.payload["data"]["id"])))
        except (KeyError, TypeError, ValueError):
            return Unknown(draft.key, "unreadable")

    def _make_lead(self, draft: Draft, person_id: str) -> CrmError | None:
        """A lead for a new person where the settings ask for it; the person counts, whatever becomes of the lead."""
        if not self._account.settings.get("make_leads"):
            return None
        name = str(read.person_body(draft.fields, None).get("name") or draft.fields.get("email") or draft.key)
        try:
            self._session.call("POST", "/api/v1/leads", body={"title": name, "person_id": int(person_id)})
        except CrmError as error:
            return error if error.stops_connection else None
        return None


def _number(record: RemoteRecord) -> int:
    return int(record.remote_id)
