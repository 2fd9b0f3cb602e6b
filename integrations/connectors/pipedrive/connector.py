"""The connector for Pipedrive: API v2, and v1 where v2 has no successor (users, leads, changelog).

Pipedrive has no batch, no upsert and no external id. Our id stands in a custom field of its people (`prepare` makes
it); whoever has no link yet is looked for by e-mail, then created, one after the other. An answer lost on the way is
`Unknown` until `find` has looked for our id. One call tells of all people of a batch before their writes, so
that equal ones cost nothing further and e-mails that only Pipedrive knows survive a write.

Won and lost are statuses there, not stages: the reference gives each pipeline two stages more, `<pipeline>:won` and
`<pipeline>:lost`, and a closed deal stands in one of them. Deleted deals come with the changes, archived ones by
`gone`; people who vanished are told by webhooks, with whom they were merged into, else by the reconcile's `fetch`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from integrations.pure.mapping import DEAL_RULES, Direction, FieldRule, Policy

from ..base import (
    Account,
    AccountInfo,
    Candidate,
    Capabilities,
    Connector,
    Created,
    CrmError,
    Draft,
    Flow,
    Hint,
    Kind,
    Misuse,
    Outage,
    Outcome,
    RawWebhook,
    Reference,
    Rejected,
    RemoteRecord,
    RetryLater,
    Schema,
    SecretSpec,
    SignIn,
    Unchanged,
    Unknown,
    Updated,
    Vendor,
)
from . import records as read
from .reading import FIELD_PATHS, IDS, KEY_FIELD, PAGE, PATHS, PipedriveReader
from .webhooks import hints

BATCH = 25
MOST_SHOWN = 5
VENDOR = Vendor(
    kind="pipedrive",
    name="Pipedrive",
    sign_ins=(
        SignIn("token", "API token", (SecretSpec("token", "API token", "Personal preferences › API in Pipedrive."),)),
        SignIn(
            "oauth",
            "OAuth app",
            (
                SecretSpec("client_secret", "Client secret"),
                SecretSpec(
                    "refresh_token",
                    "Refresh token",
                    "Comes by itself on connecting.",
                    is_optional=True,
                    is_long=True,
                ),
            ),
            (SecretSpec("client_id", "Client ID"),),
            Flow(
                "https://oauth.pipedrive.com/oauth/authorize",
                "https://oauth.pipedrive.com/oauth/token",
                ("pipedrive.com",),
                secret_in_header=True,
            ),
        ),
    ),
    base_url="https://api.pipedrive.com",
    url_help="https://api.pipedrive.com, or your company's own address below pipedrive.com.",
    sandbox_path="/pipedrive",
    webhooks="password",
    docs_url="https://developers.pipedrive.com/docs/api/v1",
    takes_people=True,
    activities={"call": ("done",), "meeting": ("held", "planned"), "email": ("any",)},
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


class PipedriveConnector(PipedriveReader):
    """`Connector` for Pipedrive. Secrets: `token`, or `client_secret` and `refresh_token`; settings: `client_id`,
    `make_leads` (a lead for each new person), `webhook_user`; the secret `webhook_password` verifies webhooks."""

    beat: Callable[[], object] = staticmethod(lambda: None)
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

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """A webhook of version 2, let in by HTTP Basic: Pipedrive signs nothing."""
        user = str(self._account.settings.get("webhook_user") or "portal")
        return hints(raw, user, self._account.secrets.get("webhook_password", ""))

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
            found, others = self._first_contact(draft)
            if len(found) > 1 and not draft.is_new:
                mail = draft.fields.get("email")
                several = tuple(Candidate(each.remote_id, _words(each)) for each in found[:MOST_SHOWN])
                message = f"{len(found)} people in Pipedrive have the e-mail address {mail}."
                return Rejected(draft.key, "several_found", message, "email", several)
            record = found[0] if found and not (draft.is_new and not found[0].key) else None
            if record is None and remote_id and others:
                # Made anew it would undo what somebody there merged.
                message = f"Person {remote_id} is gone; person {others[0]} has the e-mail and is another lead's."
                return Rejected(draft.key, "merged_away", message, "email")
        body = read.person_body(draft.fields, record) | {"custom_fields": read.custom_body(draft, code, self._types)}
        if record is not None:
            differing = read.differing(body, record)
            if not differing:
                return Unchanged(draft.key, record.remote_id)
            return self._send("PATCH", f"{PATHS['person']}/{record.remote_id}", differing, draft, Updated)
        if not body.get("name"):
            body["name"] = str(draft.fields.get("email") or draft.key)
        return self._send("POST", PATHS["person"], body, draft, Created)

    def _first_contact(self, draft: Draft) -> tuple[list[RemoteRecord], list[str]]:
        """The person of our key, the oldest; else people of the same e-mail who are nobody's of ours. Beside them
        the ids of people found who are other leads'."""
        email = str(draft.fields.get("email") or "")
        ids = self._search(email, "email") if email else self._search(draft.key, "custom_fields")
        people = self._known(ids[:IDS])
        of_ours = [each for each in people.values() if each.key == draft.key]
        of_nobody = [each for each in people.values() if not each.key] if email else []
        candidates = sorted(of_ours, key=_number)[:1] or sorted(of_nobody, key=_number)
        others = [each for each, person in people.items() if person.key not in (None, draft.key)]
        return candidates, others

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


def _words(record: RemoteRecord) -> str:
    """By which a person knows a person."""
    told = (str(record.fields.get(name) or "") for name in ("name", "email", "phone"))
    return ", ".join(each for each in told if each)[:200]


def _number(record: RemoteRecord) -> int:
    return int(record.remote_id)
