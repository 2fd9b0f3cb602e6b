"""Salesforce's REST API as its guide describes it, version 68.0: sign-in, SOQL, collections, composite, describe.

Updates move SystemModstamp even where nothing changed, deleted records stay in `queryAll` for 15 days, places in a list
of results are forgotten after two days, a converted lead is closed to updates. Errors are `[{"message", "errorCode"}]`.
"""

import re
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from ..messages import Answer, json_answer
from ..rules import Refused
from .base import Call, Dialect, Route
from .records import Duplicate, Members, ObjectType, Record
from .salesforce_objects import FIELDS, KEY, PREFIXES, STAGES, field_of, make_id
from .salesforce_query import Engine, Row
from .salesforce_soql import parse
from .salesforce_write import checked, refusal
from .scenario import Fault

VERSION = "v68.0"
BATCH, PAGE, SMALLEST_PAGE = 200, 2000, 200
MOST_PARTS, MOST_QUERIES = 25, 5
LONGEST_URL = 16_384
LOCATOR_LIFE = 2 * 24 * 3600
SESSION_SECONDS = 7200
ASSERTION_SECONDS = 300
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ["https://login.salesforce.com", "https://test.salesforce.com"]
USERS = (
    ("Portal Integration", "portal@acme.example", "portal@acme.example"),
    ("Jana Weber", "jana.weber@example.com", "jana.weber@acme.example"),
    ("Tom Okafor", "tom.okafor@example.com", "tom.okafor@acme.example"),
)
FAULTS = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    429: ("TOO_MANY_REQUESTS", "Too many requests."),
    503: ("SERVER_UNAVAILABLE", "The server is unavailable."),
}
DATA = "/services/data/{version}"


def _terms(*names: str) -> Any:
    return lambda members: [(name, str(members[name])) for name in names if members.get(name)]


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The ids that a query found, in their order."""

    sobject: str
    fields: tuple[str, ...]
    ids: tuple[str, ...]
    made: float


def _object(name: str, label: str, *terms: str, title: tuple[str, ...] = ("Name",), **more: Any) -> ObjectType:
    return ObjectType(
        name, label, terms=_terms(*terms), make_id=lambda number: make_id(name, number), title=title, **more
    )


class Salesforce(Dialect):
    """One org. Tests set `page_cap`, `daily_calls`, `public_keys`; `lacks` names (object, field) that do not exist."""

    kind, name, prefix = "salesforce", "Salesforce", "/salesforce"
    objects = (
        _object("Lead", "Leads", KEY, "ConvertedContactId", title=("FirstName", "LastName", "Company"),
                unique=frozenset({KEY})),
        _object("Contact", "Contacts", KEY, "AccountId", title=("FirstName", "LastName"), unique=frozenset({KEY})),
        _object("Account", "Accounts"),
        _object("Opportunity", "Opportunities", "AccountId",
                tracked=frozenset({"Amount", "CloseDate", "StageName"})),
        _object("OpportunityContactRole", "Contact roles", "OpportunityId", "ContactId", title=("Role",)),
        _object("Campaign", "Campaigns"),
        _object("CampaignMember", "Campaign members", "CampaignId", "LeadId", "ContactId", title=("Status",)),
        _object("User", "Users", "Username"),
        _object("OpportunityStage", "Stages", "ApiName", title=("MasterLabel",), is_shown=False),
        _object("Organization", "Organization", is_shown=False),
        _object("CurrencyType", "Currencies", "IsoCode", title=("IsoCode",), is_shown=False),
    )  # fmt: skip
    routes = (
        Route("POST", "/services/oauth2/token", "token", is_open=True, is_read=True),
        Route("GET", DATA, "resources"),
        Route("GET", f"{DATA}/query", "query"),
        Route("GET", f"{DATA}/query/", "query"),
        Route("GET", f"{DATA}/queryAll", "query_all"),
        Route("GET", f"{DATA}/queryAll/", "query_all"),
        Route("GET", f"{DATA}/query/{{locator}}", "query_more"),
        Route("GET", f"{DATA}/queryAll/{{locator}}", "query_more"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/describe", "describe"),
        Route("GET", f"{DATA}/limits", "limits"),
        Route("POST", f"{DATA}/composite", "composite", is_read=True),
        Route("PATCH", f"{DATA}/composite/sobjects/{{sobject}}/{{field}}", "upsert"),
        Route("PATCH", f"{DATA}/composite/sobjects", "update"),
    )

    page_cap = PAGE
    daily_calls = 15_000

    def defaults(self) -> None:
        """Organization, users, stages, and EUR and USD."""
        self.public_keys: dict[str, str] = {}
        self.lacks: set[tuple[str, str]] = set()
        self.maps_key_on_conversion = True
        self._cursors: dict[str, _Cursor] = {}
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
        body: dict[str, Any] = {"message": fault.message, "errorCode": fault.code}
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
        """Client credentials, or a signed assertion of a known app for a known user."""
        form = call.request.form()
        grant = form.get("grant_type")
        if grant == "client_credentials":
            if not form.get("client_id") or not self.tokens.is_static(form.get("client_secret", "")):
                return _refused("invalid_client", "invalid client credentials")
        elif grant == JWT_GRANT:
            if problem := self._problem(form.get("assertion", "")):
                return _refused("invalid_grant", problem)
        else:
            return _refused("unsupported_grant_type", "grant type not supported")
        return json_answer({
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
        if claims["exp"] > time.time() + ASSERTION_SECONDS:
            return "invalid assertion"
        known = self.records.find("User", "Username", [str(claims["sub"])])
        return "" if known else "user hasn't approved this consumer"

    # --- reading ---

    def resources(self, call: Call, version: str) -> Answer:
        """What there is below a version."""
        paths = {name: f"/services/data/{version}/{name}" for name in ("sobjects", "query", "queryAll", "composite")}
        return json_answer(paths | {"identity": self.identity})

    def limits(self, call: Call, version: str) -> Answer:
        """The one limit that this sandbox knows."""
        left = max(0, self.daily_calls - len(self._used))
        return json_answer({"DailyApiRequests": {"Max": self.daily_calls, "Remaining": left}})

    def query(self, call: Call, version: str) -> Answer:
        """Living records."""
        return json_answer(self._select(call, call.request.one("q"), everything=False))

    def query_all(self, call: Call, version: str) -> Answer:
        """Deleted and merged ones too."""
        return json_answer(self._select(call, call.request.one("q"), everything=True))

    def query_more(self, call: Call, version: str, locator: str) -> Answer:
        """The next page."""
        return json_answer(self._more(call, locator))

    def _select(self, call: Call, soql: str, *, everything: bool) -> dict[str, Any]:
        if not soql:
            raise Refused("MALFORMED_QUERY", "A query string has to be specified", status=400)
        if len(soql) > LONGEST_URL:
            raise Refused("URI_TOO_LONG", "The URI is too long.", status=414)
        query = parse(soql)
        rows = self.engine.run(query, everything=everything)
        name = f"01g5f{secrets.token_hex(5)}AAA"
        self._cursors[name] = _Cursor(query.sobject, query.fields, tuple(row["Id"] for row in rows), time.monotonic())
        while len(self._cursors) > 50:
            self._cursors.pop(next(iter(self._cursors)))
        return self._shown(call, name, 0, rows[: self._page_size(call)], len(rows), query.fields)

    def _more(self, call: Call, locator: str) -> dict[str, Any]:
        name, _, place = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not place.isdigit() or time.monotonic() - cursor.made > LOCATOR_LIFE:
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator", status=400)
        start = int(place)
        ids = cursor.ids[start : start + self._page_size(call)]
        rows = self.engine.by_ids(cursor.sobject, ids)
        return self._shown(call, name, start, [rows[each] for each in ids], len(cursor.ids), cursor.fields)

    def _shown(
        self, call: Call, name: str, start: int, rows: Sequence[Row], total: int, fields: tuple[str, ...]
    ) -> dict[str, Any]:
        end = start + len(rows)
        sobject = self._cursors[name].sobject
        found = call.page(self.engine.shown(sobject, fields, rows))
        page: dict[str, Any] = {"totalSize": total, "done": end >= total, "records": found}
        if end < total:
            return page | {"nextRecordsUrl": f"/services/data/{VERSION}/query/{name}-{end}"}
        return page

    def _page_size(self, call: Call) -> int:
        wanted = re.search(r"batchSize=(\d+)", call.request.headers.get("sforce-query-options", ""))
        size = min(max(int(wanted[1]), SMALLEST_PAGE), PAGE) if wanted else PAGE
        return min(size, self.page_cap)

    def describe(self, call: Call, version: str, sobject: str) -> Answer:
        """An object's fields."""
        return json_answer(self._described(sobject))

    def _described(self, sobject: str) -> dict[str, Any]:
        fields = self.engine.fields(sobject, status=404)
        return {
            "name": sobject, "label": sobject, "keyPrefix": PREFIXES[sobject], "custom": False, "queryable": True,
            "createable": True, "updateable": True, "fields": [field.described() for field in fields],
        }  # fmt: skip

    # --- several requests in one ---

    def composite(self, call: Call, version: str) -> Answer:
        """Reads only: up to 25 parts, five of them queries. One part's failure is that part's."""
        parts = call.request.json().get("compositeRequest")
        if not isinstance(parts, list) or not 0 < len(parts) <= MOST_PARTS:
            raise Refused("INVALID_INPUT", f"compositeRequest holds 1 to {MOST_PARTS} subrequests.", status=400)
        names = [part.get("referenceId") if isinstance(part, dict) else None for part in parts]
        if len(set(names)) < len(names) or not all(
            isinstance(n, str) and re.fullmatch(r"[A-Za-z]\w*", n) for n in names
        ):
            raise Refused("INVALID_INPUT", "Each subrequest needs a referenceId of its own.", status=400)
        if sum("/query" in str(part.get("url")) for part in parts) > MOST_QUERIES:
            raise Refused("LIMIT_EXCEEDED", f"No more than {MOST_QUERIES} query operations are allowed.", status=400)
        results = []
        for part in parts:
            status, body = self._part(call, part)
            results.append({
                "body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part["referenceId"],
            })  # fmt: skip
        return json_answer({"compositeResponse": results})

    def _part(self, call: Call, part: Mapping[str, Any]) -> tuple[int, Any]:
        url = urlsplit(str(part.get("url")))
        path = url.path.rstrip("/").removeprefix(f"/services/data/{VERSION}/")
        try:
            if part.get("method") != "GET":
                raise Refused("METHOD_NOT_ALLOWED", "This sandbox reads only, in a composite.", status=405)
            if path in ("query", "queryAll"):
                soql = parse_qs(url.query).get("q", [""])[-1]
                return 200, self._select(call, soql, everything=path == "queryAll")
            if found := re.fullmatch(r"query(?:All)?/([\w-]+)", path):
                return 200, self._more(call, found[1])
            if found := re.fullmatch(r"sobjects/(\w+)/describe", path):
                return 200, self._described(found[1])
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        except Refused as refused:
            return refused.status, [{"message": refused.fault.message, "errorCode": refused.fault.code}]

    # --- writing ---

    def upsert(self, call: Call, version: str, sobject: str, field: str) -> Answer:
        """Up to 200 records of one type by an external id."""
        rows = self._rows(call, sobject)
        key = field_of(sobject, field)
        if key is None or "e" not in key.flags or (sobject, key.name) in self.lacks:
            raise Refused(
                "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + field, status=404
            )
        given = [str(row.get(key.name) or "") for row in rows]
        results = [
            self._row(call, n, row, lambda row=row, n=n: self._upsert(sobject, key.name, row, given, n))
            for n, row in enumerate(rows)
        ]
        return json_answer(results)

    def update(self, call: Call, version: str) -> Answer:
        """Up to 200 records by their ids."""
        rows = self._rows(call, None)
        results = [self._row(call, n, row, lambda row=row: self._update(row)) for n, row in enumerate(rows)]
        return json_answer([{name: value for name, value in each.items() if name != "created"} for each in results])

    def _rows(self, call: Call, sobject: str | None) -> list[dict[str, Any]]:
        body = call.request.json()
        rows = body.get("records")
        if body.get("allOrNone") not in (None, False) or not isinstance(rows, list):
            raise Refused("JSON_PARSER_ERROR", "records must be a list; this sandbox knows no allOrNone.", status=400)
        if len(rows) > BATCH:
            message = f"Record limit reached: cannot submit more than {BATCH} records in this operation"
            raise Refused("LIMIT_EXCEEDED", message, status=400)
        for row in rows:
            kind = (row.get("attributes") or {}).get("type") if isinstance(row, dict) else None
            if not isinstance(kind, str) or kind not in FIELDS or (sobject and kind != sobject):
                raise Refused("INVALID_INPUT", "Each record needs attributes with the type of the request.", status=400)
            checked(kind, row, self.engine.fields(kind))
        return rows

    def _row(self, call: Call, n: int, row: Mapping[str, Any], write: Any) -> dict[str, Any]:
        try:
            if call.fails_row(n):
                code = next((fault.code for fault in call.faults if fault.kind == "rows"), "")
                raise refusal(code or "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
            record, is_new = write()
            return {"id": record.id, "success": True, "errors": [], "created": is_new}
        except Refused as refused:
            fault = refused.fault
            fields = [fault.field] if fault.field else []
            return {
                "success": False,
                "errors": [{"statusCode": fault.code, "message": fault.message, "fields": fields}],
            }

    def _upsert(
        self, sobject: str, key: str, row: Mapping[str, Any], given: Sequence[str], n: int
    ) -> tuple[Record, bool]:
        value = given[n]
        if not value:
            raise refusal("MISSING_ARGUMENT", f"{key} not specified")
        if "id" in {name.lower() for name in row}:
            raise refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert by external id", "Id")
        if given.count(value) > 1:
            raise refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key)
        found = self.records.find(sobject, key, [value])
        before = found[0] if found else None
        return self._write(sobject, before, row), before is None

    def _update(self, row: Mapping[str, Any]) -> tuple[Record, bool]:
        sobject = row["attributes"]["type"]
        record_id = str(row.get("id") or row.get("Id") or "")
        if not re.fullmatch(r"\w{15}(\w{3})?", record_id) or not record_id.startswith(PREFIXES[sobject]):
            raise refusal("MALFORMED_ID", f"{sobject} ID: id value of incorrect type: {record_id[:20]}", "Id")
        before = self.records.get(sobject, record_id)
        if before is None:
            raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if before.is_deleted:
            raise refusal("ENTITY_IS_DELETED", "entity is deleted")
        return self._write(sobject, before, row), False

    def _write(self, sobject: str, before: Record | None, row: Mapping[str, Any]) -> Record:
        if before is not None and before.members.get("IsConverted"):
            raise refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        members = self.engine.clean(sobject, row, before)
        try:
            if before is None:
                return self.records.add(sobject, members, by=self.user_id)
            with self.records.write() as stamp:
                moved = datetime.fromisoformat(stamp)
                return self.records.change(sobject, before.id, members, by=self.user_id, modified=moved)
        except Duplicate as taken:
            message = f"duplicate value found: {KEY} duplicates value on record with id: {taken.id}"
            raise refusal("DUPLICATE_VALUE", message, KEY) from None


def _refused(error: str, description: str) -> Answer:
    return json_answer({"error": error, "error_description": description}, 400)


DIALECT = Salesforce
