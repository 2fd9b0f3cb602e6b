"""The connector for HubSpot, dated version of the CRM API; `revops_portal_id` on contacts carries our own ids.

What a pull must know: the first load comes from the plain list, everything later from searches. A search shows a change
only some moments after it happened (HubSpot gives no bound; users report minutes), so windows must overlap by ten
minutes or more and be compared with the whole now and then.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from integrations.pure.mapping import DEAL_RULES, FieldRule

from ..base import (
    Account,
    AccountInfo,
    CampaignMember,
    Capabilities,
    Connector,
    Draft,
    Flow,
    Hint,
    Kind,
    Misuse,
    Outcome,
    Page,
    Quota,
    RawWebhook,
    Reference,
    RemoteActivity,
    RemoteCampaign,
    RemoteRecord,
    Schema,
    ScopeMissing,
    SecretSpec,
    SignIn,
    StageChange,
    Vendor,
    Window,
)
from ..errors import Reading
from ..http import Answer, Limits
from .activities import activities
from .reader import LINKED_BATCH, LIST_PAGE, SEARCH_PAGE, HubSpotReader, Rows, parts
from .records import (
    ACCOUNT_FIELDS,
    DEAL_FIELDS,
    HISTORY,
    KEY,
    MERGED,
    MODIFIED,
    NAMES,
    OBJECTS,
    campaign,
    epoch,
    history,
    merged_ids,
    owner,
    record,
    schema_field,
    stages,
)
from .session import VERSION, HubSpotSession, Refusal
from .upsert import BATCH, upsert
from .webhooks import read_webhook

WEBHOOK_SECRET = SecretSpec("client_secret", "Client secret", "Of the app; checks that webhooks come from HubSpot.")
REFRESH_TOKEN = SecretSpec("refresh_token", "Refresh token", is_optional=True)
SCOPES = (
    "crm.objects.contacts.read crm.objects.contacts.write crm.schemas.contacts.read crm.schemas.contacts.write"
    " crm.objects.companies.read crm.objects.deals.read crm.schemas.deals.read crm.objects.owners.read"
)
VENDOR = Vendor(
    kind="hubspot",
    name="HubSpot",
    sign_ins=(
        SignIn(
            "service_key",
            "Service key",
            (SecretSpec("token", "Service key", "Or the access token of a private app."),
             replace(WEBHOOK_SECRET, is_optional=True)),
        ),
        SignIn(
            "oauth",
            "OAuth app",
            (replace(REFRESH_TOKEN, help="Comes by itself when you connect."), WEBHOOK_SECRET),
            (SecretSpec("client_id", "Client id"),),
            Flow(
                "https://app.hubspot.com/oauth/authorize",
                f"https://api.hubapi.com/oauth/{VERSION}/token",
                ("hubspot.com", "hubapi.com"),
                SCOPES,
                sandbox=("/oauth/authorize", f"/oauth/{VERSION}/token"),
            ),
        ),
    ),
    base_url="https://api.hubapi.com",
    sandbox_path="/hubspot",
    webhooks="signature",
    docs_url="https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys",
    takes_people=True,
    activities={
        "call": ("talked", "done"), "meeting": ("held", "planned"), "email": ("received", "any"), "form": ("all",),
        "list": ("named",),
    },
)  # fmt: skip
RULES: Mapping[Kind, tuple[FieldRule, ...]] = {
    "person": tuple(
        FieldRule(local, remote)
        for local, remote in (
            ("email", "email"), ("first_name", "firstname"), ("last_name", "lastname"), ("company", "company"),
            ("job_title", "jobtitle"), ("phone", "phone"), ("country", "country"), ("region", "state"),
            ("postal_code", "zip"), ("industry", "industry"), ("owner_id", "hubspot_owner_id"),
        )
    ),
    "deal": DEAL_RULES,
}  # fmt: skip
HISTORY_BATCH = 50
"""Inputs of a batch with history."""


class HubSpotConnector:
    """`Connector` for HubSpot. `Account.settings` may hold `client_id` (OAuth) and `time_zone` (of the account, for the
    daily limit's midnight)."""

    beat: Callable[[], object] = staticmethod(lambda: None)
    capabilities = Capabilities(
        batch_size=BATCH,
        idempotent_upsert=True,
        pushes=frozenset({"person"}),
        pulls=frozenset({"person", "account", "deal"}),
        campaigns=True,
        gone=True,
        history=True,
        webhooks=True,
    )

    def __init__(
        self,
        account: Account,
        *,
        limits: Limits | None = None,
        page_size: int | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = account
        self._link = HubSpotSession(account, limits=limits, pause=pause)
        self._read = HubSpotReader(self._link, account, page_size)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._link.calls

    @property
    def quota(self) -> Quota | None:
        """The day's calls as the last answer that tells them told them; searches do not."""
        return self._link.quota

    def close(self) -> None:
        """Let go of the sockets."""
        self._link.close()

    # --- what is there ---

    def check(self) -> AccountInfo:
        """Whose account it is, one call that needs no scope."""
        answer = self._link.read_details()
        with Reading("account-info"):
            told = answer.payload
            name = f"HubSpot {told['portalId']} ({told.get('uiDomain') or told.get('accountType') or 'account'})"
            user = "OAuth app" if self._link.is_oauth else "Service key"
            currency, zone = str(told.get("companyCurrency") or ""), str(told.get("timeZone") or "")
            return AccountInfo(str(told["portalId"]), name, user, _clock(answer), currency, zone)

    def describe(self, kind: Kind) -> Schema:
        """All properties, custom ones included. Deals and accounts first have our names. People take a further call:
        what an admin made required of them stands in the object's schema."""
        path = f"/crm/properties/{VERSION}/{NAMES[kind]}"
        answer = self._link.call("GET", path)
        required = self._required(kind) if kind == "person" else frozenset()
        with Reading(path):
            rows = [row for row in answer.payload["results"] if not row.get("hidden") and not row.get("archived")]
            prefix = "" if kind == "person" else "properties."
            ours = {"person": (), "deal": DEAL_FIELDS, "account": ACCOUNT_FIELDS}[kind]
            return Schema(kind, (*ours, *(schema_field(row, prefix, required) for row in rows)))

    def _required(self, kind: Kind) -> frozenset[str]:
        """The properties without which a record is refused; nothing where nobody may tell us."""
        path = f"/crm-object-schemas/{VERSION}/schemas/{NAMES[kind]}"
        try:
            answer = self._link.call("GET", path)
        except (ScopeMissing, Refusal):
            return frozenset()
        with Reading(path):
            return frozenset(str(each) for each in answer.payload.get("requiredProperties") or ())

    def prepare(self) -> tuple[str, ...]:
        """Make the property of our key where it is missing: one call if it is there, else two."""
        path = f"/crm/properties/{VERSION}/contacts"
        try:
            there = self._link.call("GET", f"{path}/{KEY}")
            with Reading(path):
                if there.payload.get("hasUniqueValue") is True:
                    return ()
            return (f'The contact property "{KEY}" exists but is not unique. Delete it in HubSpot for good.',)
        except Refusal as refusal:
            if refusal.status != 404:
                raise
        except ScopeMissing as missing:
            return (f"Grant the scopes crm.schemas.contacts.read and crm.schemas.contacts.write. {missing}",)
        made = {
            "name": KEY,
            "label": "RevOps portal id",
            "description": "Id of the lead in the RevOps portal. Filled by the sync; do not edit.",
            "groupName": "contactinformation",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
            "formField": False,
        }
        try:
            self._link.call("POST", path, body=made)
        except ScopeMissing as missing:
            return (f"Grant the scope crm.schemas.contacts.write. {missing}",)
        except Refusal as refusal:
            if not refusal.is_conflict:
                raise
        return ()

    def reference(self) -> Reference:
        """Stages of all deal pipelines, owners and former owners; three calls where a hundred owners are enough."""
        path = f"/crm/pipelines/{VERSION}/deals"
        answer = self._link.call("GET", path)
        with Reading(path):
            steps, clock = stages(answer.payload["results"]), _clock(answer)
        owners = [*self._read.listed(f"/crm/owners/{VERSION}", {}),
                  *self._read.listed(f"/crm/owners/{VERSION}", {"archived": "true"})]  # fmt: skip
        with Reading("owners"):
            found = {each.remote_id: each for each in reversed([owner(row) for row in owners])}
        return Reference(steps, tuple(reversed(found.values())), clock)

    # --- people out ---

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """One call per 100 drafts; see `upsert` for batches that fail."""
        if kind not in self.capabilities.pushes:
            raise Misuse(f"HubSpot takes no {kind}s from us.", code="unsupported")
        yield from upsert(self._link, drafts)

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 keys. Only contacts carry our key."""
        if kind != "person":
            return {}
        rows = [row for part in parts(keys, BATCH) for row in self._read.batch(kind, part, id_property=KEY)]
        return {each.key: each for each in self._read.records(kind, rows) if each.key is not None}

    # --- records in ---

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """One call per 100 ids, and one more per 100 that are not among the living. What was merged away comes under
        its own id, pointing at the record that lives on."""
        wanted = list(dict.fromkeys(ids))
        rows = [row for part in parts(wanted, BATCH) for row in self._read.batch(kind, part)]
        with Reading("batch/read"):
            living = {str(row["id"]) for row in rows}
            winners = {lost: str(row["id"]) for row in rows for lost in merged_ids(row)}
        lost = [each for each in wanted if each not in living and each not in winners]
        rows += [row for part in parts(lost, BATCH) for row in self._read.batch(kind, part, is_archived=True)]
        found = {each.remote_id: each for each in self._read.records(kind, rows)}
        for each in wanted:
            if each not in found and winners.get(each) in found:
                winner = found[winners[each]]
                found[each] = replace(winner, remote_id=each, key=None, is_archived=True, merged_into=winner.remote_id)
        return {each: found[each] for each in wanted if each in found}

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Living records of the window; pages of 200 by id, of 100 in a first load. Deals are read a thousand ahead:
        so many fit into one call for their people and one for their companies."""
        if window.since is None:
            pages = self._read.first_load(kind, window, resume)
        else:
            since = {"propertyName": MODIFIED[kind], "operator": "GTE", "value": epoch(window.since)}
            pages = self._read.found(kind, [since, _before(kind, window)], resume)
        if kind != "deal":
            for rows, following in pages:
                yield Page(self._read.records(kind, rows), following)
            return
        held: list[tuple[Rows, str | None]] = []
        most = LIST_PAGE if window.since is None else SEARCH_PAGE
        for page in pages:
            held.append(page)
            if page[1] is None or (len(held) + 1) * most > LINKED_BATCH:
                yield from self._read.deal_pages(held)
                held = []

    def gone(self, kind: Kind, window: Window, resume: str | None = None, *, lists: bool = True) -> Iterator[Page]:
        """Archived records of the window, out of HubSpot's list of all of 90 days, then those merged away."""
        step, _, place = (resume or ("archived:" if lists else "merged:")).partition(":")
        if step == "archived":
            params = {"archived": "true", "limit": LIST_PAGE}
            for rows, following in self._read.listing(f"/crm/objects/{VERSION}/{OBJECTS[kind]}", params, place or None):
                with Reading("archived"):
                    held = [record(kind, row) for row in rows if "archivedAt" in row]
                inside = tuple(each for each in held if _is_inside(each, window))
                yield Page(inside, f"archived:{following}" if following else "merged:")
            place = ""
        filters: list[dict[str, str]] = [{"propertyName": MERGED, "operator": "HAS_PROPERTY"}, _before(kind, window)]
        if window.since is not None:
            filters.append({"propertyName": MODIFIED[kind], "operator": "GTE", "value": epoch(window.since)})
        for rows, following in self._read.found(kind, filters, place or None):
            with Reading("search"):
                lost = tuple(_lost(record(kind, row), each) for row in rows for each in merged_ids(row))
            yield Page(lost, f"merged:{following}" if following else None)

    def living(self, kind: Kind, made_before: datetime) -> int | None:
        """As the search counts them: archiving, merging and restoring change it, and a list of all that is archived
        takes a call per hundred."""
        return self._read.count(kind, [{"propertyName": "createdate", "operator": "LT", "value": epoch(made_before)}])

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """One call per 50 deals, which is all that HubSpot gives with history."""
        for part in parts(ids, HISTORY_BATCH):
            rows = {str(row["id"]): row for row in self._read.batch("deal", part, with_history=HISTORY)}
            lost = [each for each in part if each not in rows]
            if lost:
                rows |= {str(row["id"]): row for row in self._read.batch("deal", lost, True, HISTORY)}
            currency = self._read.default_currency(rows.values())
            with Reading("batch/read"):
                lines = [line for each in part if each in rows for line in history(rows[each], currency=currency)]
            yield from lines

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """All campaigns, a hundred a call; nothing where the sign-in or the subscription does not reach them."""
        names = ("hs_name", "hs_start_date", "hs_end_date", "hs_campaign_status", "hs_currency_code",
                 "hs_budget_items_sum_amount", "hs_spend_items_sum_amount")  # fmt: skip
        try:
            rows = list(self._read.listed(f"/marketing/campaigns/{VERSION}", {"properties": ",".join(names)}))
        except ScopeMissing:
            return
        with Reading("campaigns"):
            has_none = any(not row["properties"].get("hs_currency_code") for row in rows)
        currency = self._read.own_currency() if has_none else ""
        with Reading("campaigns"):
            found = [campaign(row, currency) for row in rows]
        yield from found

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Nothing: HubSpot has no members of campaigns, only counts in reports."""
        return iter(())

    def activities(self, kinds: Sequence[str], window: Window, names: Sequence[str] = ()) -> Iterator[RemoteActivity]:
        """Calls, meetings and e-mails by search, submissions form by form, members list by list."""
        yield from activities(self._link, self._read, kinds, window, names)

    # --- webhooks ---

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """Hints out of a body whose signature (version 3) holds and is at most five minutes off, either way."""
        return read_webhook(raw, self._account.secrets.get("client_secret", ""))


def connect(account: Account) -> Connector:
    """A connector for this account."""
    return HubSpotConnector(account)


def _before(kind: Kind, window: Window) -> dict[str, str]:
    return {"propertyName": MODIFIED[kind], "operator": "LT", "value": epoch(window.until)}


def _is_inside(each: RemoteRecord, window: Window) -> bool:
    return (window.since is None or each.modified_at >= window.since) and each.modified_at < window.until


def _lost(winner: RemoteRecord, lost: str) -> RemoteRecord:
    return replace(winner, remote_id=lost, key=None, is_archived=True, merged_into=winner.remote_id)


def _clock(answer: Answer) -> datetime:
    if answer.date is None:
        raise ValueError("no Date header")
    return answer.date
