"""Salesforce: leads by batch upsert on an external id, everything else by SOQL.

Deleted and merged records come with the changes (`queryAll`). A person is a Lead, or the Contact that it was converted
into: pushes to a converted lead go to its contact. Webhooks are not spoken: outbound messages are SOAP that nobody
signed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from integrations.pure.mapping import DEAL_RULES, Direction, FieldRule, Policy

from ..base import (
    Account,
    AccountInfo,
    Capabilities,
    CrmError,
    Draft,
    Flow,
    Hint,
    Kind,
    Misuse,
    Outage,
    Outcome,
    Owner,
    RawWebhook,
    Reference,
    RemoteRecord,
    RetryLater,
    Schema,
    SecretSpec,
    SignIn,
    Throttled,
    Vendor,
)
from .adopt import adopt, is_duplicate, look_alikes
from .bulk import BULK_FROM, BULK_SIZE, job_under_way, push_many
from .currency import CORPORATE
from .push import BUSY_PAUSE, push
from .reading import OBJECTS, SalesforceReader
from .records import (
    CONTACT_PREFIX,
    NEEDED,
    OUR_ACCOUNT_FIELDS,
    OUR_DEAL_FIELDS,
    merged,
    person_fields,
    schema_field,
    stages,
)
from .session import DATA, Select
from .shape import Reading, server_time
from .soql import KEY, Source, record_id

BATCH = 200
LOOKED_UP = 900
"""Addresses that are mostly looked up in two calls: five queries of leads and five of contacts."""
ORGANIZATION = Select("SELECT Id, Name FROM Organization")
STAGES = Select(
    "SELECT ApiName, MasterLabel, SortOrder, DefaultProbability, IsActive, IsClosed, IsWon FROM OpportunityStage"
)
OWNERS = Select("SELECT Id, Name, Email, IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id")
CLIENT_ID = SecretSpec("client_id", "Consumer key", "Of the External Client App, under OAuth settings.")
VENDOR = Vendor(
    kind="salesforce",
    name="Salesforce",
    sign_ins=(
        SignIn(
            "client_credentials",
            "Client credentials",
            (CLIENT_ID, SecretSpec("client_secret", "Consumer secret", "The app must name a user to run as.")),
        ),
        SignIn(
            "oauth",
            "A person's consent (OAuth)",
            (
                CLIENT_ID,
                SecretSpec("client_secret", "Consumer secret", "Unless the app needs none.", is_optional=True),
            ),
            flow=Flow(
                "/services/oauth2/authorize",
                "/services/oauth2/token",
                ("salesforce.com",),
                "api refresh_token",
                proves_code=True,
                sandbox=("/services/oauth2/authorize", "/services/oauth2/token"),
            ),
        ),
        SignIn(
            "jwt",
            "Signed assertion (JWT)",
            (
                CLIENT_ID,
                SecretSpec("private_key", "Private key", "RSA, in PEM; the app holds its certificate.", is_long=True),
            ),
            (SecretSpec("username", "User name", "Whom we act as; the app must be pre-authorized for this user."),),
        ),
    ),
    url_help="Your My Domain, such as https://acme.my.salesforce.com.",
    sandbox_path="/salesforce",
    contact_prefix=CONTACT_PREFIX,
    fills=frozenset(NEEDED),
    docs_url="https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
    takes_people=True,
    activities={
        "call": ("talked", "done"),
        "meeting": ("held", "planned"),
        "email": ("any",),
        "member": ("responded", "added"),
    },
)
RULES: Mapping[Kind, tuple[FieldRule, ...]] = {
    "person": tuple(
        FieldRule(local, remote)
        for local, remote in (
            ("email", "Email"), ("first_name", "FirstName"), ("last_name", "LastName"), ("company", "Company"),
            ("job_title", "Title"), ("phone", "Phone"), ("country", "Country"), ("region", "State"),
            ("postal_code", "PostalCode"), ("industry", "Industry"), ("company_size", "NumberOfEmployees"),
            ("owner_id", "OwnerId"),
        )
    ),
    "deal": DEAL_RULES,
    "account": tuple(
        FieldRule(name, name, Direction.PULL, Policy.FILL_EMPTY) for name in ("name", "domain", "industry", "owner_id")
    ),
}  # fmt: skip


def connect(account: Account) -> "SalesforceConnector":
    """The connector of this account."""
    return SalesforceConnector(account)


class SalesforceConnector(SalesforceReader):
    """`Connector` for Salesforce. A push needs `Portal_Id__c` on Lead and Contact: see `prepare`."""

    # Salesforce answers a changed and an unchanged row alike: `Unchanged` never comes.
    beat: Callable[[], object] = staticmethod(lambda: None)
    capabilities = Capabilities(
        batch_size=BATCH, idempotent_upsert=True, pushes=frozenset({"person"}),
        pulls=frozenset({"person", "account", "deal"}), campaigns=True, members=True, deletes=True, history=True,
        bulk_from=BULK_FROM, bulk_size=BULK_SIZE,
    )  # fmt: skip

    # --- the account ---

    def check(self) -> AccountInfo:
        """Organization, user and currency: one call where this connector signed in itself, else two."""
        with Reading("/composite"):
            identity = self._session.identity or self._session.call("GET", DATA).payload["identity"]
            org_id, user_id = str(identity).rstrip("/").split("/")[-2:]
            who = Select(f"{Source('User', ('Name', 'Username')).head} WHERE Id = {record_id(user_id)}")
            (orgs, users, currencies), answer = self._session.first_pages([ORGANIZATION, who, CORPORATE])
            self._currency.learn(currencies)
            user = f"{users.rows[0]['Name']} ({users.rows[0]['Username']})"
            return AccountInfo(org_id, str(orgs.rows[0]["Name"]), user, server_time(answer), self._currency.default)

    def describe(self, kind: Kind) -> Schema:
        """One call. Leads by Salesforce's names, with those of the contacts that they become; accounts and deals by
        ours, then Salesforce's under `properties.`."""
        if kind == "person":
            (lead, contact), _ = self._session.composite(
                [f"{DATA}/sobjects/{each}/describe" for each in ("Lead", "Contact")]
            )
            with Reading("/describe"):
                return Schema(kind, person_fields(lead["fields"], contact["fields"]))
        payload = self._session.call("GET", f"{DATA}/sobjects/{OBJECTS[kind]}/describe").payload
        ours = OUR_ACCOUNT_FIELDS if kind == "account" else OUR_DEAL_FIELDS
        with Reading("/describe"):
            return Schema(kind, (*ours, *(schema_field(row, "properties.") for row in payload["fields"])))

    def prepare(self) -> tuple[str, ...]:
        """What an admin must do: fields cannot be made with the data API. One call."""
        objects = ("Lead", "Contact")
        bodies, _ = self._session.composite([f"{DATA}/sobjects/{each}/describe" for each in objects])
        todo: list[str] = []
        with Reading("/describe"):
            for name, body in zip(objects, bodies, strict=True):
                field = next((row for row in body["fields"] if row["name"] == KEY), None)
                if field is None:
                    todo.append(
                        f"Setup → Object Manager → {name} → Fields: make a text field of 80 characters with the API"
                        f" name {KEY}, unique and an external ID, and let our user read and edit it."
                    )
                elif not (field["externalId"] and field["unique"]):
                    todo.append(f"Setup → Object Manager → {name} → {KEY}: tick both Unique and External ID.")
        if todo:
            todo.append(f"Setup → Lead → Map Lead Fields: carry {KEY} of the lead over to {KEY} of the contact.")
        return tuple(todo)

    def reference(self) -> Reference:
        """Stages and users in one call; the clock is that of the answer."""
        with Reading("/composite"):
            pages, answer = self._session.first_pages([STAGES, OWNERS, CORPORATE])
            self._currency.learn(pages[2])
            users = {row["Id"]: row for row in self._session.rest(pages[1])}
            owners = tuple(
                Owner(key, row["Name"] or "", row["Email"] or "", bool(row["IsActive"])) for key, row in users.items()
            )
            self._read_at = server_time(answer)
            return Reference(stages(self._session.rest(pages[0])), owners, self._read_at)

    # --- writing ---

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """Persons by our key. Raises `Throttled` while an earlier job of ours is under way: a process that died left it
        behind, and what it has yet to write is older than what would be sent now."""
        if kind == "person" and keys and job_under_way(self._session):
            message = "An earlier job of the portal is still under way in Salesforce."
            raise Throttled(message, code="job_under_way", after=BUSY_PAUSE)
        return super().find(kind, keys)

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """One call per 200 drafts; drafts of contacts take a further one. After an unclear answer the rest waits."""
        if kind not in self.capabilities.pushes:
            raise Misuse(f"Salesforce takes no {kind}s from us.", code="unsupported")
        if len(drafts) >= BULK_FROM:
            yield from self._upsert_many(drafts)
            return
        unwell = ""
        for start in range(0, len(drafts), BATCH):
            chunk = drafts[start : start + BATCH]
            if unwell:
                yield from (RetryLater(draft.key, unwell) for draft in chunk)
                continue
            outcomes, failed = push(self._session, chunk, self._contact_names)
            yield from outcomes
            if isinstance(failed, Outage):
                unwell = failed.code
            elif failed is not None:
                raise failed

    def _upsert_many(self, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """Leads that go by our key in one job; whoever is known by another id, or was converted, call by call."""
        whole, settled = merged(drafts), dict[str, Outcome]()
        strangers = [each for each in whole.values() if each.remote_id is None and not each.is_new]
        for start in range(0, len(strangers), LOOKED_UP):
            self.beat()
            for key, remote_id in adopt(self._session, strangers[start : start + LOOKED_UP], settled).items():
                whole[key] = replace(whole[key], remote_id=remote_id, is_keyed=False)
        left = [each for each in whole.values() if each.key not in settled]
        by_key = [each for each in left if each.is_keyed and not _is_contact(each)]
        if by_key:
            told = push_many(self._session, by_key, beat=self.beat)
            refused = [each for each in by_key if is_duplicate(told.get(each.key))]
            # What was written must be told, whatever becomes of this further look.
            with suppress(CrmError):
                for start in range(0, len(refused), BATCH):
                    self.beat()
                    told |= look_alikes(self._session, refused[start : start + BATCH], told)
            settled |= told
        rest = [each for each in whole.values() if each.key not in settled]
        for start in range(0, len(rest), BATCH):
            self.beat()
            chunk = rest[start : start + BATCH]
            outcomes, failed = push(self._session, chunk, self._contact_names)
            settled |= {each.key: each for each in outcomes}
            if failed is not None:
                break
        yield from (settled.get(draft.key) or RetryLater(draft.key, "not_sent") for draft in drafts)

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """Refused: outbound messages carry no signature, so anybody could send them."""
        raise Misuse("Salesforce signs no webhooks; none are taken.", code="unsupported")


def _is_contact(draft: Draft) -> bool:
    return draft.remote_id is not None and draft.remote_id.startswith(CONTACT_PREFIX)
