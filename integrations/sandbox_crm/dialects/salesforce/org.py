"""An org of the sandbox's Salesforce: its objects, who signs in, what its people do, and how it says no."""

import base64
import binascii
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import jwt

from ...messages import Answer, json_answer
from ...rules import Refused
from ..base import Call, Dialect
from ..scenario import Fault
from ..shapes import Members, ObjectType, Record
from .jobs import Job
from .objects import KEY, STAGES, make_id
from .query import Engine

VERSION = "v68.0"
PAGE = 2000
SESSION_SECONDS = 7200
ASSERTION_SECONDS = 300
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ["https://login.salesforce.com", "https://test.salesforce.com"]
USERS = (
    ("Portal Integration", "portal@acme.example", "portal@acme.example"),
    ("Jana Weber", "jana.weber@example.com", "jana.weber@acme.example"),
    ("Tom Okafor", "tom.okafor@example.com", "tom.okafor@acme.example"),
)
CODES = {"not_found": "NOT_FOUND", "method_not_allowed": "METHOD_NOT_ALLOWED", "invalid_json": "JSON_PARSER_ERROR"}
FAULTS = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    429: ("TOO_MANY_REQUESTS", "Too many requests."),
    503: ("SERVER_UNAVAILABLE", "The server is unavailable."),
}


def _terms(*names: str) -> Any:
    return lambda members: [(name, str(members[name])) for name in names if members.get(name)]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The ids that a query found, in their order."""

    sobject: str
    fields: tuple[str, ...]
    ids: tuple[str, ...]
    made: float


def _object(name: str, label: str, *terms: str, title: tuple[str, ...] = ("Name",), **more: Any) -> ObjectType:
    return ObjectType(
        name, label, terms=_terms(*terms), make_id=lambda number: make_id(name, number), title=title, **more
    )


class Org(Dialect):
    """Tests set `page_cap`, `daily_calls`, `public_keys`; `lacks` names (object, field) that do not exist.

    What an org has set up stands in its meta: `currencies` single, `places` picklists (of countries and states),
    `duplicates` block (a rule for new leads), `required` fields (`Lead.Tier__c …`) beside the usual ones.
    """

    kind, name, prefix = "salesforce", "Salesforce", "/salesforce"
    people = "Lead"
    objects = (
        _object("Lead", "Leads", KEY, "ConvertedContactId", "Email", title=("FirstName", "LastName", "Company"),
                unique=frozenset({KEY})),
        _object("Contact", "Contacts", KEY, "AccountId", "Email", title=("FirstName", "LastName"),
                unique=frozenset({KEY})),
        _object("Account", "Accounts"),
        _object("Opportunity", "Opportunities", "AccountId",
                tracked=frozenset({"Amount", "CloseDate", "CurrencyIsoCode", "StageName"})),
        _object("OpportunityContactRole", "Contact roles", "OpportunityId", "ContactId", title=("Role",)),
        _object("Campaign", "Campaigns"),
        _object("CampaignMember", "Campaign members", "CampaignId", "LeadId", "ContactId", title=("Status",)),
        _object("Task", "Tasks", title=("Subject",)),
        _object("Event", "Events", title=("Subject",)),
        _object("User", "Users", "Username"),
        _object("OpportunityStage", "Stages", "ApiName", title=("MasterLabel",), is_shown=False),
        _object("Organization", "Organization", is_shown=False),
        _object("CurrencyType", "Currencies", "IsoCode", title=("IsoCode",), is_shown=False),
    )  # fmt: skip
    page_cap = PAGE
    daily_calls = 15_000

    def defaults(self) -> None:
        """Organization, users, stages, and EUR and USD."""
        self.public_keys: dict[str, str] = {}
        self.lacks: set[tuple[str, str]] = set()
        self.jobs: dict[str, Job] = {}
        self.maps_key_on_conversion = True
        self.tells_currency = True
        self._cursors: dict[str, Cursor] = {}
        self._used: deque[float] = deque()
        self.engine = Engine(self.records, self.stages, self.lacks)
        if self.records.count("Organization"):
            return
        with self.records.write():
            self.records.add("Organization", {"Name": "Acme Manufacturing", "OrganizationType": "Enterprise Edition"})
            for label, email, username in USERS:
                self.records.add("User", {
                    "Name": label, "Email": email, "Username": username, "IsActive": True, "UserType": "Standard",
                })  # fmt: skip
            for order, (label, chance, forecast) in enumerate(STAGES, start=1):
                self.records.add("OpportunityStage", {
                    "ApiName": label, "MasterLabel": label, "SortOrder": order, "DefaultProbability": float(chance),
                    "IsActive": True, "IsClosed": label.startswith("Closed"), "IsWon": label == "Closed Won",
                    "ForecastCategoryName": forecast,
                })  # fmt: skip
            for code in ("EUR", "USD"):
                self.records.add("CurrencyType", {
                    "IsoCode": code, "IsCorporate": code == "EUR", "IsActive": True, "ConversionRate": 1.0,
                    "DecimalPlaces": 2,
                })  # fmt: skip

    # --- what the vendor says ---

    def count_in(self, currency: str) -> None:
        """Make this an org of one currency, which knows no other and names none on its records."""
        self.records.set_meta("currencies", "single")
        self.records.set_meta("currency", currency)

    def stages(self) -> dict[str, Members]:
        """Stages by API name."""
        return {row.members["ApiName"]: row.members for row in self.records.listing("OpportunityStage", limit=500)}

    @property
    def user_id(self) -> str:
        """The user that the app runs as."""
        return make_id("User", 1)

    @property
    def identity(self) -> str:
        """The identity URL of that user."""
        return f"https://login.salesforce.com/id/{make_id('Organization', 1)}/{self.user_id}"

    def sign_in(self, call: Call) -> None:
        """A session that has not ended, and calls left in the last 24 hours."""
        given = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.tokens.is_good(given.partition("!")[2]):
            raise Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        if call.values.get("version") not in (None, VERSION):
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        now = time.monotonic()
        while self._used and self._used[0] < now - 24 * 3600:
            self._used.popleft()
        if len(self._used) >= self.daily_calls:
            raise Refused(*FAULTS[403], status=403)
        self._used.append(now)

    def error(self, refused: Refused) -> Answer:
        """`[{"message", "errorCode"}]`, with `fields` where one is at fault."""
        fault = refused.fault
        body: dict[str, Any] = {"message": fault.message, "errorCode": CODES.get(fault.code, fault.code)}
        return json_answer([body | ({"fields": [fault.field]} if fault.field else {})], refused.status)

    def error_body(self, fault: Fault) -> Answer:
        """By status; the code `concurrent` is the other limit of a 403, `scope` a missing right."""
        code, message = FAULTS.get(fault.status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        if fault.code == "concurrent":
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        elif fault.code == "scope":
            code, message = "API_DISABLED_FOR_ORG", "The API is not enabled for this organization."
        elif fault.code:
            code = fault.code
        return self.error(Refused(code, message, status=fault.status))

    def headers(self, call: Call, answer: Answer) -> Mapping[str, str]:
        """The calls of the last 24 hours."""
        if call.route.is_open:
            return {}
        return {"Sforce-Limit-Info": f"api-usage={len(self._used)}/{self.daily_calls}"}

    def choices(self, kind: str, member: str) -> Sequence[tuple[str, str]]:
        """The stages."""
        if (kind, member) != ("Opportunity", "StageName"):
            return ()
        return [(key, str(stage["MasterLabel"])) for key, stage in self.stages().items()]

    def convert(self, do: Mapping[str, Any]) -> None:
        """`convert` a lead; `forget_locators`."""
        if do.get("verb") == "convert":
            self.convert_lead(str(do.get("id")), deal=do.get("members"))
        elif do.get("verb") == "forget_locators":
            self._cursors.clear()
        else:
            super().convert(do)

    # --- what the org's people do ---

    def convert_lead(self, lead_id: str, *, deal: Members | None = None) -> dict[str, str | None]:
        """Into a new account and contact, and an opportunity when given. Fields without a counterpart stay behind."""
        with self.records.write() as stamp:
            lead = self.records["Lead", lead_id].members
            account = self.records.add("Account", {"Name": lead.get("Company"), "Industry": lead.get("Industry"),
                                                   "NumberOfEmployees": lead.get("NumberOfEmployees"),
                                                   "OwnerId": lead.get("OwnerId")})  # fmt: skip
            names = ("FirstName", "LastName", "Email", "Phone", "Title", "LeadSource", "OwnerId")
            person = {name: lead.get(name) for name in names} | {"AccountId": account.id}
            person |= {f"Mailing{name}": lead.get(name) for name in ("Country", "State", "PostalCode", "City")}
            if self.maps_key_on_conversion:
                person[KEY] = lead.get(KEY)
            contact = self.records.add("Contact", person)
            became: dict[str, str | None] = {"contact": contact.id, "account": account.id, "deal": None}
            if deal is not None:
                became["deal"] = self.add_deal({"AccountId": account.id} | dict(deal), contact.id)
            self.records.change("Lead", lead_id, {
                "IsConverted": True, "ConvertedDate": stamp[:10], "ConvertedContactId": contact.id,
                "ConvertedAccountId": account.id, "ConvertedOpportunityId": became["deal"],
            })  # fmt: skip
        return became

    def open_deal(self, person: Record, *, name: str, amount: Decimal) -> tuple[str, str]:
        """An opportunity with the contact that the lead becomes: leads themselves have none."""
        if not person.members.get("IsConverted"):
            self.convert_lead(person.id)
        contact = self.records["Lead", person.id].members["ConvertedContactId"]
        return "Opportunity", self.add_deal({"Name": name, "Amount": float(amount)}, contact)

    def add_deal(self, members: Members, contact_id: str | None = None, *, modified: datetime | None = None) -> str:
        """An opportunity, with its primary contact; in the first stage unless told."""
        first = {
            "Name": "Deal", "StageName": STAGES[0][0], "Amount": None, "CloseDate": f"{self.records.now():%Y-%m-%d}",
            "CurrencyIsoCode": "EUR", "OwnerId": make_id("User", 2), "AccountId": None,
        }  # fmt: skip
        with self.records.write():
            deal = self.records.add("Opportunity", first | dict(members), created=modified)
            if contact_id:
                self.add_role(deal.id, contact_id, is_primary=True)
        return deal.id

    def add_role(self, deal_id: str, contact_id: str, *, role: str = "", is_primary: bool = False) -> str:
        """A person's part in an opportunity, whose own stamp stays."""
        members = {"OpportunityId": deal_id, "ContactId": contact_id, "Role": role or None, "IsPrimary": is_primary}
        return self.records.add("OpportunityContactRole", members).id

    # --- signing in ---

    def token(self, call: Call) -> Answer:
        """Client credentials, in the form or by HTTP Basic, or a signed assertion of a known app for a known user."""
        form = call.request.form()
        grant = form.get("grant_type")
        further: dict[str, str] = {}
        if grant == "client_credentials":
            client, secret = _client(call, form)
            if not client or not self.tokens.is_static(secret):
                return _refused("invalid_client", "invalid client credentials")
        elif grant == JWT_GRANT:
            if problem := self._problem(form.get("assertion", "")):
                return _refused("invalid_grant", problem)
        elif grant == "authorization_code":
            if not self.redeemed(form, _client(call, form)[0]):
                return _refused("invalid_grant", "invalid authorization code")
            further = {"refresh_token": self.tokens.issue("refresh", 365 * 86_400)}
        elif grant == "refresh_token":
            if not self.tokens.is_good(form.get("refresh_token", ""), "refresh"):
                return _refused("invalid_grant", "expired access/refresh token")
        else:
            return _refused("unsupported_grant_type", "grant type not supported")
        return json_answer(further | {
            "access_token": f"{make_id('Organization', 1)[:15]}!{self.tokens.issue(seconds=SESSION_SECONDS)}",
            "signature": secrets.token_urlsafe(32), "scope": "api", "instance_url": call.base_url,
            "id": self.identity, "token_type": "Bearer", "issued_at": str(int(time.time() * 1000)),
        })  # fmt: skip

    def _problem(self, assertion: str) -> str:
        try:
            client = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss"))
            key = self.public_keys.get(client, "")
            claims = jwt.decode(
                assertion, key, algorithms=["RS256"], audience=AUDIENCES, options={"require": ["exp", "sub", "iss"]}
            )
        except jwt.InvalidAudienceError:
            return "audience is invalid"
        except (jwt.PyJWTError, ValueError):
            return "invalid assertion"
        if float(claims["exp"]) > time.time() + ASSERTION_SECONDS:
            return "invalid assertion"
        known = self.records.find("User", "Username", [str(claims["sub"])])
        return "" if known else "user hasn't approved this consumer"


def _client(call: Call, form: Mapping[str, str]) -> tuple[str, str]:
    """Name and secret of the app."""
    basic = call.request.headers.get("authorization", "").removeprefix("Basic ")
    if not basic:
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(basic).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client, secret


def _refused(error: str, description: str) -> Answer:
    return json_answer({"error": error, "error_description": description}, 400)
