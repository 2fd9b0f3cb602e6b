"""Pipedrive's dialect: v2 of people, deals, organizations, pipelines, stages and fields, v1 of users, leads, changelog.

Costs in tokens, headers, error bodies and the shapes are those of its documentation; what an answer leaves out, such as
activities or notes, the connector has no use for.
"""

import base64
import binascii
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ...messages import Answer, json_answer
from ...rules import Refused
from ..base import Call, Route
from ..scenario import Fault
from ..shapes import ObjectType, Record
from .objects import STATUSES, Objects, good, organization_terms, person_terms

BUDGET = 300_000
COSTS = {"/search": 20, "/changelog": 20, "/users": 20, "/leads": 10}


class Pipedrive(Objects):
    """See the module."""

    kind, name, prefix = "pipedrive", "Pipedrive", "/pipedrive"
    people = "person"
    objects = (
        ObjectType("person", "People", person_terms),
        ObjectType("deal", "Deals", tracked=frozenset({"stage_id", "pipeline_id", "status", "value", "currency"}),
                   title=("title",)),
        ObjectType("organization", "Organizations", organization_terms),
        ObjectType("lead", "Leads", make_id=lambda n: str(uuid.UUID(int=n)), title=("title",)),
        ObjectType("activity", "Activities", title=("subject",)),
        ObjectType("pipeline", "Pipelines", is_shown=False),
        ObjectType("stage", "Stages", is_shown=False),
        ObjectType("user", "Users", is_shown=False),
        ObjectType("personField", "Person fields", title=("field_name",), is_shown=False),
        ObjectType("dealField", "Deal fields", title=("field_name",), is_shown=False),
        ObjectType("organizationField", "Organization fields", title=("field_name",), is_shown=False),
    )  # fmt: skip
    routes = (
        Route("GET", "/oauth/authorize", "authorize", is_open=True),
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
        Route("GET", "/api/v1/deals/{id}/participants", "participants"),
        Route("GET", "/api/v2/activities", "activities"),
        Route("GET", "/api/v2/organizations/search", "search_organizations"),
        Route("GET", "/api/v2/organizations", "organizations"),
        Route("POST", "/api/v2/organizations", "add_organization"),
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
                ("personField", ("name", "emails", "phones", "owner_id", "org_id", "marketing_status")),
                ("dealField", ("title", "value", "stage_id", "status", "expected_close_date")),
                ("organizationField", ("name", "owner_id")),
            ):
                for code in names:
                    self.add_field(kind, code.replace("_", " ").capitalize(), "varchar", code)

    def add_field(self, kind: str, name: str, field_type: str, code: str = "", options: Sequence[str] = ()) -> Record:
        """A field; without a code a custom one. Options get their numbers."""
        made = code or secrets.token_hex(20)
        shape = {"field_name": name, "field_code": made, "field_type": field_type, "is_custom_field": not code}
        chosen = [{"id": n, "label": label} for n, label in enumerate(options, 11)] or None
        more = {"is_optional_response_field": False, "options": chosen, "subfields": None}
        return self.records.add(kind, shape | more)

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
            client, _, secret = base64.b64decode(basic).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            client = secret = ""
        refresh = form.get("refresh_token", "")
        is_known = self.tokens.is_static(refresh) or self.tokens.is_good(refresh, "refresh")
        is_ours = self.tokens.is_static(secret)
        if is_ours and form.get("grant_type") == "authorization_code" and self.redeemed(form, client):
            refresh, is_known = self.tokens.issue("refresh", 365 * 86_400), True
        elif form.get("grant_type") != "refresh_token" or not is_ours or not is_known:
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
                   "company_domain": "sandbox", "is_you": True,
                   "timezone_name": self.records.meta("time_zone", "Etc/UTC"), "timezone_offset": "+00:00"}  # fmt: skip
        return good(self.shown(user) | company)

    def users(self, call: Call) -> Answer:
        """All users at once."""
        return good([self.shown(each) for each in self.records.listing("user", limit=500)])

    # --- what there is to choose from ---

    def pipelines(self, call: Call) -> Answer:
        """Pipelines."""
        return self.listed(call, "pipeline", ("live",))

    def stages(self, call: Call) -> Answer:
        """Stages of all pipelines."""
        return self.listed(call, "stage", ("live",))

    def person_fields(self, call: Call) -> Answer:
        """Fields of people."""
        return self.listed(call, "personField", ("live",))

    def deal_fields(self, call: Call) -> Answer:
        """Fields of deals."""
        return self.listed(call, "dealField", ("live",))

    def organization_fields(self, call: Call) -> Answer:
        """Fields of organizations."""
        return self.listed(call, "organizationField", ("live",))

    def add_person_field(self, call: Call) -> Answer:
        """A custom field of people."""
        body = call.request.json()
        if not body.get("field_name") or not body.get("field_type"):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "field_name: Required", "field_name", 400)
        return good(self.add_field("personField", str(body["field_name"]), str(body["field_type"])).members)

    # --- what people do on the pages ---

    def open_deal(self, person: Record, *, name: str, amount: Decimal) -> tuple[str, str]:
        """A deal in the first stage, of the person."""
        values = {"title": name, "value": float(amount), "currency": "EUR", "person_id": int(person.id)}
        return "deal", self.add_deal(values).id

    def choices(self, kind: str, member: str) -> Sequence[tuple[str, str]]:
        """Stages and statuses of deals."""
        if (kind, member) == ("deal", "stage_id"):
            return [(each.id, each.members["name"]) for each in self.records.listing("stage", limit=500)]
        return [(each, each.capitalize()) for each in STATUSES[:3]] if (kind, member) == ("deal", "status") else []


DIALECT = Pipedrive
