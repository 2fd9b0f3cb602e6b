"""Pipedrive's dialect: v2 of people, deals, organizations, pipelines, stages and fields, v1 of users, leads, changelog.

Costs in tokens, headers, error bodies and the shapes are those of its documentation; what an answer leaves out, such as
activities or notes, the connector has no use for.
"""

import base64
import binascii
import json
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..messages import Answer, json_answer
from ..rules import Refused
from ..schema import as_stamp, stamp_text
from .base import Call, Dialect, Route
from .records import Members, ObjectType, Record, State
from .scenario import Fault

BUDGET = 300_000
COSTS = {"/search": 20, "/changelog": 20, "/users": 20, "/leads": 10}
WRITABLE = {
    "name": str, "owner_id": int, "org_id": int, "add_time": str, "update_time": str, "emails": list, "phones": list,
    "visible_to": int, "label_ids": list, "marketing_status": str, "custom_fields": dict,
}  # fmt: skip
PERSON: Mapping[str, Any] = {
    "name": "", "first_name": "", "last_name": "", "owner_id": 1, "org_id": None, "emails": [], "phones": [],
    "visible_to": 3, "label_ids": [], "picture_id": None, "custom_fields": {},
}  # fmt: skip
DEAL: Mapping[str, Any] = {
    "title": "Deal", "owner_id": 1, "person_id": None, "org_id": None, "pipeline_id": 1, "stage_id": 1, "value": 0,
    "currency": "EUR", "stage_change_time": None, "status": "open", "probability": None, "lost_reason": None,
    "visible_to": 3, "close_time": None, "won_time": None, "lost_time": None, "expected_close_date": None,
    "label_ids": [], "origin": "ManuallyCreated", "origin_id": None, "channel": None, "channel_id": None,
    "custom_fields": {},
}  # fmt: skip
STATUSES = ("open", "won", "lost", "deleted")


def person_terms(members: Members) -> Iterable[tuple[str, str]]:
    """E-mails, phones, the name and texts of custom fields."""
    yield from (("email", str(each.get("value", ""))) for each in members["emails"])
    yield from (("phone", str(each.get("value", ""))) for each in members["phones"])
    yield "name", members["name"]
    yield from (("custom_fields", each) for each in members["custom_fields"].values() if isinstance(each, str))


class Pipedrive(Dialect):
    """See the module."""

    kind, name, prefix = "pipedrive", "Pipedrive", "/pipedrive"
    people = "person"
    objects = (
        ObjectType("person", "People", person_terms),
        ObjectType("deal", "Deals", tracked=frozenset({"stage_id", "pipeline_id", "status", "value", "currency"}),
                   title=("title",)),
        ObjectType("organization", "Organizations"),
        ObjectType("lead", "Leads", make_id=lambda n: str(uuid.UUID(int=n)), title=("title",)),
        ObjectType("pipeline", "Pipelines", is_shown=False),
        ObjectType("stage", "Stages", is_shown=False),
        ObjectType("user", "Users", is_shown=False),
        ObjectType("personField", "Person fields", title=("field_name",), is_shown=False),
        ObjectType("dealField", "Deal fields", title=("field_name",), is_shown=False),
        ObjectType("organizationField", "Organization fields", title=("field_name",), is_shown=False),
    )  # fmt: skip
    routes = (
        Route("POST", "/oauth/token", "token", is_open=True),
        Route("GET", "/api/v1/users/me", "me"),
        Route("GET", "/api/v1/users", "users"),
        Route("GET", "/api/v2/persons/search", "search"),
        Route("GET", "/api/v2/persons", "persons"),
        Route("POST", "/api/v2/persons", "add_person"),
        Route("GET", "/api/v2/persons/{id}", "person"),
        Route("PATCH", "/api/v2/persons/{id}", "change_person"),
        Route("DELETE", "/api/v2/persons/{id}", "delete_person"),
        Route("PUT", "/api/v1/persons/{id}/merge", "merge_person"),
        Route("GET", "/api/v2/deals", "deals"),
        Route("GET", "/api/v2/deals/archived", "archived_deals"),
        Route("GET", "/api/v1/deals/{id}/changelog", "changelog"),
        Route("GET", "/api/v2/organizations", "organizations"),
        Route("GET", "/api/v2/pipelines", "pipelines"),
        Route("GET", "/api/v2/stages", "stages"),
        Route("GET", "/api/v2/personFields", "person_fields"),
        Route("POST", "/api/v2/personFields", "add_person_field"),
        Route("GET", "/api/v2/dealFields", "deal_fields"),
        Route("GET", "/api/v2/organizationFields", "organization_fields"),
        Route("POST", "/api/v1/leads", "add_lead"),
    )

    def defaults(self) -> None:
        """A pipeline with four stages, two users, the standard fields."""
        if self.records.count("pipeline"):
            return
        with self.records.write():
            self.records.set_meta("company_id", str(secrets.randbelow(9_000_000) + 1_000_000))
            self.records.add("pipeline", {"name": "Sales", "order_nr": 1, "is_deal_probability_enabled": True})
            for order, (name, share) in enumerate(
                (("Qualified", 10), ("Contact made", 25), ("Proposal made", 50), ("Negotiations", 75)), 1
            ):
                stage = {"name": name, "order_nr": order, "deal_probability": share, "pipeline_id": 1}
                self.records.add("stage", stage | {"is_deal_rot_enabled": False, "days_to_rotten": None})
            for name, mail in (("Jana Weber", "jana.weber@example.com"), ("Tom Okafor", "tom.okafor@example.com")):
                self.records.add("user", {"name": name, "email": mail, "active_flag": True, "default_currency": "EUR"})
            for kind, names in (
                ("personField", ("name", "emails", "phones", "owner_id", "org_id")),
                ("dealField", ("title", "value", "stage_id", "status", "expected_close_date")),
                ("organizationField", ("name", "owner_id")),
            ):
                for code in names:
                    self.add_field(kind, code.replace("_", " ").capitalize(), "varchar", code)

    def add_field(self, kind: str, name: str, field_type: str, code: str = "") -> Record:
        """A field; without a code a custom one."""
        made = code or secrets.token_hex(20)
        shape = {"field_name": name, "field_code": made, "field_type": field_type, "is_custom_field": not code}
        return self.records.add(kind, shape | {"is_optional_response_field": False, "options": None, "subfields": None})

    # --- who calls, and how often ---

    def sign_in(self, call: Call) -> None:
        """`x-api-token`, or a bearer from the token address."""
        headers = call.request.headers
        if self.tokens.is_static(headers.get("x-api-token", "")):
            return
        if not self.tokens.is_good(headers.get("authorization", "").removeprefix("Bearer ")):
            raise Refused("unauthorized", "unauthorized access", status=401)

    def token(self, call: Call) -> Answer:
        """A refresh token and the client's name and password for an hour's access."""
        form, basic = call.request.form(), call.request.headers.get("authorization", "").removeprefix("Basic ")
        try:
            secret = base64.b64decode(basic).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            secret = ""
        refresh = form.get("refresh_token", "")
        is_known = self.tokens.is_static(refresh) or self.tokens.is_good(refresh, "refresh")
        if form.get("grant_type") != "refresh_token" or not self.tokens.is_static(secret) or not is_known:
            body = {"success": False, "error": "invalid_grant", "error_description": "The grant is not valid."}
            return json_answer(body, 400)
        return json_answer(
            {
                "access_token": self.tokens.issue(), "token_type": "Bearer", "refresh_token": refresh,
                "scope": "base contacts:full deals:full leads:full admin", "expires_in": 3600,
                "api_domain": call.base_url,
            }
        )  # fmt: skip

    def headers(self, call: Call, answer: Answer) -> Mapping[str, str]:
        """The day's tokens and the burst window."""
        cost = next((cost for part, cost in COSTS.items() if part in call.route.path), 5 if call.route.writes else 10)
        key = f"tokens {datetime.now(UTC):%Y-%m-%d}"
        with self.records.write():
            spent = int(self.records.meta(key, "0")) + (cost if answer.status < 400 else 0)
            self.records.set_meta(key, str(spent))
        return {
            "x-daily-ratelimit-token-remaining": str(max(0, BUDGET - spent)),
            "x-daily-ratelimit-token-limit": str(BUDGET),
            "x-ratelimit-limit": "80", "x-ratelimit-remaining": "79", "x-ratelimit-reset": "2",
        }  # fmt: skip

    def error(self, refused: Refused) -> Answer:
        """`{"success": false, …}`."""
        fault = refused.fault
        body = {"success": False, "error": fault.message, "error_info": "Please check developers.pipedrive.com",
                "data": None, "additional_data": None}  # fmt: skip
        return json_answer(body | ({"code": fault.code} if fault.code.startswith("ERR_") else {}), refused.status)

    def error_body(self, fault: Fault) -> Answer:
        """429 of the burst window, or with code `daily` of the day; others as usual."""
        if fault.status == 429 and fault.code == "daily":
            body = {"success": False, "error": "daily request limit exceeded", "errorCode": 429}
            return json_answer(body, 429, **{"x-daily-ratelimit-token-remaining": "0", "x-ratelimit-reset": "2"})
        if fault.status == 429:
            return json_answer({"success": False, "error": "request over limit", "errorCode": 429}, 429)
        return super().error_body(fault)

    def me(self, call: Call) -> Answer:
        """Whose token it is."""
        user = self.records["user", "1"]
        company = {"company_id": int(self.records.meta("company_id")), "company_name": "Sandbox Pipedrive",
                   "company_domain": "sandbox", "is_you": True}  # fmt: skip
        return _good(self.shown(user) | company)

    def users(self, call: Call) -> Answer:
        """All users at once."""
        return _good([self.shown(each) for each in self.records.listing("user", limit=500)])

    # --- lists ---

    def shown(self, record: Record) -> dict[str, Any]:
        """A record as v2 shows it."""
        state: dict[str, Any] = {"is_deleted": record.is_deleted}
        if record.object == "deal":
            state |= {"is_archived": record.is_archived}
            if record.is_deleted:
                state |= {"status": "deleted"}
        times = {"add_time": _time(record.created_at), "update_time": _time(record.modified_at)}
        number = record.id if record.object == "lead" else int(record.id)
        return {"id": number, **record.members, **times, **state}

    def persons(self, call: Call) -> Answer:
        """People who are not deleted."""
        return self._list(call, "person", ("live", "archived"))

    def deals(self, call: Call) -> Answer:
        """Deals that are not archived; deleted ones where `status` asks for them."""
        return self._list(call, "deal", ("live", "deleted"))

    def archived_deals(self, call: Call) -> Answer:
        """Archived deals."""
        return self._list(call, "deal", ("archived",))

    def organizations(self, call: Call) -> Answer:
        """Organizations."""
        return self._list(call, "organization", ("live",))

    def pipelines(self, call: Call) -> Answer:
        """Pipelines."""
        return self._list(call, "pipeline", ("live",))

    def stages(self, call: Call) -> Answer:
        """Stages of all pipelines."""
        return self._list(call, "stage", ("live",))

    def person_fields(self, call: Call) -> Answer:
        """Fields of people."""
        return self._list(call, "personField", ("live",))

    def deal_fields(self, call: Call) -> Answer:
        """Fields of deals."""
        return self._list(call, "dealField", ("live",))

    def organization_fields(self, call: Call) -> Answer:
        """Fields of organizations."""
        return self._list(call, "organizationField", ("live",))

    def _list(self, call: Call, kind: str, states: Sequence[State]) -> Answer:
        limit = self._limit(call)
        if ids := call.request.one("ids"):
            wanted = ids.split(",")
            if len(wanted) > 100:
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "ids: at most 100.", "ids", 400)
            rows = [each for each in self.records.many(kind, wanted).values() if self._is_wanted(call, each, states)]
            return _good([self._row(each) for each in call.page(rows)], next_cursor=None)
        since, until = _moment(call, "updated_since"), _moment(call, "updated_until")
        after, rows = _position(call), []
        while len(rows) <= limit:  # rows of other states are passed over
            part = self.records.page(kind, since=since, until=until, after=after, state="any", limit=500)
            rows += [each for each in part if self._is_wanted(call, each, states)]
            if len(part) < 500:
                break
            after = stamp_text(part[-1].modified_at), part[-1].number
        page, cursor = rows[:limit], None
        if len(rows) > limit:
            cursor = _cursor(page[-1])
        return _good([self._row(each) for each in call.page(page)], next_cursor=cursor)

    def _is_wanted(self, call: Call, record: Record, states: Sequence[State]) -> bool:
        state = "deleted" if record.is_deleted else "archived" if record.is_archived else "live"
        if state not in states:
            return False
        status = call.request.one("status")
        if record.object != "deal":
            return True
        return self.shown(record)["status"] in (status.split(",") if status else STATUSES[:3])

    def _row(self, record: Record) -> dict[str, Any]:
        return record.members if record.object.endswith("Field") else self.shown(record)

    def _limit(self, call: Call) -> int:
        text = call.request.one("limit", "100")
        if not text.isdigit() or not 1 <= int(text) <= 500:
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "limit: a number from 1 to 500.", "limit", 400)
        return int(text)

    def search(self, call: Call) -> Answer:
        """People by an exact term of one field."""
        term, fields = call.request.one("term"), call.request.one("fields").split(",")
        if not term or call.request.one("exact_match") != "true":
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "term: 1 character at least.", "term", 400)
        found = {each.id: each for name in fields for each in self.records.find("person", name, [term])}
        items = [
            {
                "result_score": 0.29,
                "item": {
                    "id": int(each.id), "type": "person", "name": each.members["name"],
                    "phones": [row["value"] for row in each.members["phones"]],
                    "emails": [row["value"] for row in each.members["emails"]], "visible_to": 3,
                    "owner": {"id": each.members["owner_id"]}, "organization": None,
                    "custom_fields": [term] if "custom_fields" in fields else [], "notes": [],
                },
            }
            for each in list(found.values())[: self._limit(call)]
        ]  # fmt: skip
        return _good({"items": items}, next_cursor=None)

    # --- people ---

    def person(self, call: Call, id: str) -> Answer:
        """One person."""
        record = self.records["person", id]
        if record.is_deleted:
            raise Refused("not_found", "Person not found", status=404)
        return _good(self.shown(record))

    def add_person(self, call: Call) -> Answer:
        """A new person; nobody checks whether there is one already."""
        members = self._clean(call.request.json())
        if not members.get("name"):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "name: Required", "name", 400)
        return _good(self.shown(self.records.add("person", {**PERSON, **members}, by="api")), 201)

    def change_person(self, call: Call, id: str) -> Answer:
        """Change the members sent; custom fields one by one."""
        before = self.records["person", id]
        if before.is_deleted:
            raise Refused("not_found", "Person not found", status=404)
        members = self._clean(call.request.json())
        if "custom_fields" in members:
            members["custom_fields"] = before.members["custom_fields"] | members["custom_fields"]
        return _good(self.shown(self.records.change("person", id, members, by="api")))

    def delete_person(self, call: Call, id: str) -> Answer:
        """Mark a person deleted."""
        if self.records["person", id].is_deleted:
            return _good({"id": int(id)}, 410)
        self.records.delete("person", id)
        return _good({"id": int(id)})

    def merge_person(self, call: Call, id: str) -> Answer:
        """Merge the person of the path into the one of the body, which lives on."""
        winner = str(call.request.json().get("merge_with_id"))
        return _good(self.shown(self.records.merge("person", id, winner)))

    def _clean(self, body: dict[str, Any]) -> dict[str, Any]:
        for name, value in body.items():
            kind = WRITABLE.get(name)
            if kind is None:
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", f"{name}: Unrecognized key", name, 400)
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", f"{name}: Expected {kind.__name__}", name, 400)
        if "owner_id" in body and self.records.get("user", str(body["owner_id"])) is None:
            raise Refused("ERR_BAD_REQUEST", "Owner not found.", "owner_id", 400)
        codes = {each.members["field_code"] for each in self.records.listing("personField", limit=500)}
        if unknown := body.get("custom_fields", {}).keys() - codes:
            raise Refused(
                "ERR_SCHEMA_VALIDATION_FAILED", f"custom_fields.{min(unknown)}: Unknown", "custom_fields", 400
            )
        if body.get("name"):
            first, _, last = str(body["name"]).partition(" ")
            body |= {"first_name": first, "last_name": last}
        return body

    def add_person_field(self, call: Call) -> Answer:
        """A custom field of people."""
        body = call.request.json()
        if not body.get("field_name") or not body.get("field_type"):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "field_name: Required", "field_name", 400)
        return _good(self.add_field("personField", str(body["field_name"]), str(body["field_type"])).members)

    def add_lead(self, call: Call) -> Answer:
        """A lead of a person or organization."""
        body = call.request.json()
        if not body.get("title") or not (body.get("person_id") or body.get("organization_id")):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "A lead needs a title and a person or organization.", "", 400)
        return _good(self.shown(self.records.add("lead", {**body, "is_archived": False})), 201)

    # --- deals ---

    def open_deal(self, person: Record, *, name: str, amount: Decimal) -> tuple[str, str]:
        """A deal in the first stage, of the person."""
        values = {"title": name, "value": float(amount), "currency": "EUR", "person_id": int(person.id)}
        return "deal", self.add_deal(values).id

    def add_deal(self, members: Members) -> Record:
        """A new deal, as people make it: in the first stage unless told."""
        return self.records.add("deal", {**DEAL, **members}, by="1")

    def change_deal(self, deal_id: str, members: Members) -> Record:
        """Change a deal as people do: a new stage sets its time, a new status the time of closing."""
        record = self.records["deal", deal_id]
        return self.records.change("deal", deal_id, self.edited(record, dict(members)), by="1")

    def edited(self, record: Record, members: dict[str, Any]) -> dict[str, Any]:
        """What a new stage or status sets beside it."""
        if record.object != "deal":
            return members
        now, before = _time(self.records.now()), record.members
        if members.get("stage_id", before["stage_id"]) != before["stage_id"]:
            stage = self.records["stage", str(members["stage_id"])]
            members |= {"stage_change_time": now, "pipeline_id": stage.members["pipeline_id"]}
        status = members.get("status", before["status"])
        if status != before["status"]:
            closed = None if status == "open" else now
            members |= {"close_time": closed, "won_time": None, "lost_time": None}
            if closed:
                members[f"{status}_time"] = closed
        return members

    def choices(self, kind: str, member: str) -> Sequence[tuple[str, str]]:
        """Stages and statuses of deals."""
        if (kind, member) == ("deal", "stage_id"):
            return [(each.id, each.members["name"]) for each in self.records.listing("stage", limit=500)]
        return [(each, each.capitalize()) for each in STATUSES[:3]] if (kind, member) == ("deal", "status") else []

    def changelog(self, call: Call, id: str) -> Answer:
        """Changes of tracked members since the deal was made, the newest first."""
        self.records["deal", id]
        lines = [each for each in self.records.history("deal", [id]) if each.old is not None]
        rows = [
            {
                "field_key": each.member, "old_value": str(each.old), "new_value": str(each.new),
                "actor_user_id": 1, "time": each.at.strftime("%Y-%m-%d %H:%M:%S"), "change_source": "app",
                "change_source_user_agent": None, "is_bulk_update_flag": False,
            }
            for each in reversed(lines)
        ]  # fmt: skip
        return _good(call.page(rows), next_cursor=None)


def _good(data: Any, status: int = 200, **additional: Any) -> Answer:
    more = {"additional_data": additional} if additional else {}
    return json_answer({"success": True, "data": data, **more}, status)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(call: Call, name: str) -> datetime | None:
    text = call.request.one(name)
    try:
        return datetime.fromisoformat(as_stamp(text)) if text else None
    except ValueError:
        message = f"{name}: RFC 3339 with an offset."
        raise Refused("ERR_SCHEMA_VALIDATION_FAILED", message, name, 400) from None


def _cursor(record: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps([stamp_text(record.modified_at), record.number]).encode()).decode()


def _position(call: Call) -> tuple[str, int] | None:
    text = call.request.one("cursor")
    if not text:
        return None
    try:
        stamp, number = json.loads(base64.urlsafe_b64decode(text))
        return str(stamp), int(number)
    except (ValueError, TypeError, binascii.Error):
        raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "cursor: not one of ours.", "cursor", 400) from None


DIALECT = Pipedrive
