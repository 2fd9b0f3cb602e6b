"""HubSpot's dialect, dated version 2026-09, as its published descriptions and error guides have it.

Every value is a text and unset is null. Batches answer 200 with `errors` in the body and their rows in no order; a
contact whose e-mail is taken fails the whole batch with 409, or only its row where `conflicts_by_row` is set. Searches
see a change only `lag` later, stop at `search_cap` results and tell no limits. Verbs of `meanwhile` besides the common
ones: {"verb": "lag", "seconds": 30}, {"verb": "daily", "left": 0}, {"verb": "deny", "scopes": […]} (none grants all
again) and {"verb": "conflicts", "by_row": true}.

Properties that an admin made required (`records.set_meta("required contacts", "firstname …")`) refuse a create without
them: the whole batch, or only the row where errors come by row.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...messages import Answer, json_answer
from ...meters import Bucket
from ...rules import Refused
from ..base import Call, Route
from ..scenario import Fault
from ..shapes import ObjectType, Record
from .marketing import Marketing, paged
from .objects import FIRST_ID, TYPES, Told, V, iso, type_of, wrong
from .schema import OWNERS, PIPELINES, PROPERTIES, STAGES, form_terms, link_terms, list_terms, prop, terms

CATEGORIES = {400: "VALIDATION_ERROR", 401: "INVALID_AUTHENTICATION", 404: "OBJECT_NOT_FOUND", 409: "CONFLICT",
              423: "LOCKED", 429: "RATE_LIMITS"}  # fmt: skip


def _object(name: str, label: str, *, title: tuple[str, ...], **further: Any) -> ObjectType:
    return ObjectType(name, label, make_id=lambda number: str(FIRST_ID + number), title=title, **further)


class HubSpot(Marketing):
    """One HubSpot account; see the module."""

    kind, name, prefix = "hubspot", "HubSpot", "/hubspot"
    people = "contacts"
    resolution = "milliseconds"
    objects = (
        _object("contacts", "Contacts", terms=terms, unique=frozenset({"email"}),
                title=("firstname", "lastname", "email")),
        _object("companies", "Companies", title=("name",)),
        _object("deals", "Deals", title=("dealname",),
                tracked=frozenset({"dealstage", "pipeline", "amount", "deal_currency_code"})),
        _object("campaigns", "Campaigns", title=("hs_name",)),
        _object("calls", "Calls", title=("hs_call_title",)),
        _object("meetings", "Meetings", title=("hs_meeting_title",)),
        _object("emails", "Emails", title=("hs_email_subject",)),
        _object("forms", "Forms", title=("name",)),
        _object("submissions", "Form submissions", title=("email",), terms=form_terms),
        _object("lists", "Lists", title=("name",)),
        _object("memberships", "List members", title=("record",), terms=list_terms, is_shown=False),
        _object("links", "Associations", title=("label",), terms=link_terms, is_shown=False),
        _object("properties", "Properties", title=("name",), is_shown=False),
    )  # fmt: skip
    routes = (
        Route("GET", "/oauth/authorize", "authorize", is_open=True),
        Route("POST", f"/oauth/{V}/token", "token", is_open=True),
        Route("GET", f"/account-info/{V}/details", "details"),
        Route("GET", f"/crm/properties/{V}/{{type}}", "list_properties"),
        Route("POST", f"/crm/properties/{V}/{{type}}", "make_property"),
        Route("GET", f"/crm/properties/{V}/{{type}}/{{property}}", "one_property"),
        Route("GET", f"/crm-object-schemas/{V}/schemas/{{type}}", "object_schema"),
        Route("GET", f"/crm/pipelines/{V}/{{type}}", "pipelines"),
        Route("GET", f"/crm/owners/{V}", "owners"),
        Route("GET", f"/marketing/campaigns/{V}", "campaigns"),
        Route("GET", f"/marketing/forms/{V}", "forms"),
        Route("GET", "/form-integrations/v1/submissions/forms/{form}", "submissions"),
        Route("POST", f"/crm/lists/{V}/search", "lists", is_read=True),
        Route("GET", f"/crm/lists/{V}/{{list}}/memberships/join-order", "members"),
        Route("GET", f"/crm/objects/{V}/{{type}}", "listing"),
        Route("POST", f"/crm/objects/{V}/{{type}}/search", "search", is_read=True),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/read", "batch_read", is_read=True),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/upsert", "upsert"),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/update", "update"),
        Route("POST", f"/crm/associations/{V}/{{one}}/{{other}}/batch/read", "read_links", is_read=True),
    )
    daily_limit = 250_000
    time_zone, currency = "Europe/Berlin", "EUR"

    def __init__(self, path: Path | str, token: str, *, rate: float | None = None) -> None:
        self.used = 0
        self.denied: frozenset[str] = frozenset()
        self.search_bucket = Bucket(5)
        super().__init__(path, token, rate=rate)

    # --- for tests and the demo ---

    def engage(self, kind: str, members: Mapping[str, Any], contacts: Iterable[str]) -> str:
        """A call, meeting or e-mail with these contacts. Returns its id."""
        with self.records.write():
            made = self.records.add(kind, dict(members), by="people")
            for contact in contacts:
                self.link(kind, made.id, "contacts", contact)
        return made.id

    def open_deal(self, person: Record, *, name: str, amount: Decimal) -> tuple[str, str]:
        """A deal in the first stage, associated with the contact."""
        members = {"dealname": name, "amount": f"{amount:.2f}", "deal_currency_code": "EUR"}
        return "deals", self.add_deal(members, contacts=[(person.id, "")])

    def add_deal(
        self, members: Mapping[str, Any], *, contacts: Iterable[tuple[str, str]] = (), company: str | None = None
    ) -> str:
        """A deal with its people (id, label) and company; by default in the first stage. Returns its id."""
        with self.records.write():
            held = {"pipeline": "default", "dealstage": "appointmentscheduled", **members}
            deal = self.records.add("deals", held, by="people")
            for contact, label in contacts:
                self.link("deals", deal.id, "contacts", contact, label)
            if company:
                self.link("deals", deal.id, "companies", company, "Primary")
        return deal.id

    def move_deal(self, deal_id: str, **members: Any) -> None:
        """Change a deal as people do: a closed stage sets the close date."""
        deal = self.records["deals", deal_id]
        self.records.change("deals", deal_id, self.edited(deal, members), by="people")

    def link(self, one: str, one_id: str, other: str, other_id: str, label: str = "") -> None:
        """Associate two records, with a label if people gave one. A repeat changes the label."""
        members = {"one": one, "one_id": one_id, "other": other, "other_id": other_id, "label": label}
        known = f"{one}-{one_id}-{other}-{other_id}"
        if self.records.get("links", known):
            self.records.change("links", known, members)
        else:
            self.records.add("links", members, id=known)

    def merge(self, kind: str, loser: str, winner: str) -> None:
        """The loser is gone without being archived; the winner lists it and takes its e-mail as a further one."""
        with self.records.write():
            lost, won = self.records[kind, loser], self.records[kind, winner]
            before = str(won.members.get("hs_merged_object_ids") or "")
            ids = [*before.split(";"), *str(lost.members.get("hs_merged_object_ids") or "").split(";"), loser]
            mails = [won.members.get("hs_additional_emails"), lost.members.get("email")]
            further = {"hs_merged_object_ids": ";".join(each for each in ids if each)}
            if kind == "contacts":
                further["hs_additional_emails"] = ";".join(each for each in mails if each)
            self.records.merge(kind, loser, winner)
            self.records.change(kind, winner, further)
            for link in self.records.find("links", f"{kind}>deals", [loser], state="live"):
                self.link(link.members["one"], link.members["one_id"], kind, winner, link.members["label"])
                self.records.delete("links", link.id)

    def meanwhile(self, do: Mapping[str, Any]) -> None:
        """Merges are this vendor's own; `delete` is its recycle bin."""
        verb, kind = do.get("verb"), str(do.get("object"))
        if verb == "merge":
            self.merge(kind, str(do.get("id")), str(do.get("into")))
        elif verb == "delete":
            self.records.archive(kind, str(do.get("id")))
        else:
            super().meanwhile(do)

    def convert(self, do: Mapping[str, Any]) -> None:
        """The verbs that set how the account behaves."""
        verb = do.get("verb")
        if verb == "lag":
            self.lag = timedelta(seconds=float(do.get("seconds", 0)))
        elif verb == "daily":
            self.used = self.daily_limit - int(do.get("left", 0))
        elif verb == "deny":
            self.denied = frozenset(str(each) for each in do.get("scopes", ()))
        elif verb == "conflicts":
            self.conflicts_by_row = bool(do.get("by_row"))
        else:
            super().convert(do)

    def choices(self, kind: str, member: str) -> Sequence[tuple[str, str]]:
        """Stages, pipelines and the options of other properties."""
        if (kind, member) == ("deals", "dealstage"):
            return [
                (stage["id"], f"{each['label']}: {stage['label']}") for each in PIPELINES for stage in each["stages"]
            ]
        if (kind, member) == ("deals", "pipeline"):
            return [(str(each["id"]), str(each["label"])) for each in PIPELINES]
        if member == "hubspot_owner_id":
            return [(each["id"], f"{each['firstName']} {each['lastName']}") for each in OWNERS]
        found = self.definitions(kind).get(member) if kind in PROPERTIES else None
        return [(each["value"], each["label"]) for each in found["options"]] if found else ()

    def edited(self, record: Record, members: dict[str, Any]) -> dict[str, Any]:
        """A deal that enters a closed stage is closed today."""
        moved = members.get("dealstage", record.members.get("dealstage"))
        if record.object != "deals" or moved == record.members.get("dealstage"):
            return members
        pipeline = members.get("pipeline") or record.members.get("pipeline")
        if STAGES.get((str(pipeline), str(moved))) in ("1.0", "0.0"):
            return {"closedate": iso(self.records.now()), **members}
        return members

    # --- what HubSpot says ---

    def sign_in(self, call: Call) -> None:
        """A bearer, then the day's calls, then the scope."""
        given = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not (self.tokens.is_static(given) or self.tokens.is_good(given)):
            expired = self.records.token_expiry(given, "access") is not None
            words = "The access token is expired." if expired else "Authentication credentials not found."
            category = "EXPIRED_AUTHENTICATION" if expired else "INVALID_AUTHENTICATION"
            raise Told(401, wrong(category, words))
        self.used += 1
        if self.used > self.daily_limit:
            raise Refused("DAILY", "You have reached your daily limit.", status=429)
        wanted = _scope(call)
        if wanted & self.denied:
            raise Told(403, self._missing(sorted(wanted)))

    def error(self, refused: Refused) -> Answer:
        """HubSpot's error body, or the one that is known already."""
        if isinstance(refused, Told):
            return json_answer({"correlationId": str(uuid.uuid4()), **refused.body}, refused.status)
        fault = refused.fault
        if refused.status == 429:
            policy = fault.code if fault.code in ("DAILY", "SECONDLY") else "TEN_SECONDLY_ROLLING"
            words = f"You have reached your {policy.lower()} limit."
            body = wrong("RATE_LIMITS", words) | {"errorType": "RATE_LIMIT", "policyName": policy}
            return json_answer(body, 429)
        category = CATEGORIES.get(refused.status, "INTERNAL_ERROR")
        return json_answer(wrong(category, fault.message), refused.status)

    def error_body(self, fault: Fault) -> Answer:
        """The answers to 403, 423 and 429 as documented; `fault.code` chooses the policy."""
        if fault.status == 403:
            return json_answer(self._missing(["crm.objects.contacts.read"]), 403)
        return self.error(Refused(fault.code, "internal error", status=fault.status))

    def headers(self, call: Call, answer: Answer) -> Mapping[str, str]:
        """The limits, which searches do not tell."""
        if call.route.handler in ("search", "token"):
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.daily_limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(self.daily_limit - self.used, 0)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": "100",
            "X-HubSpot-RateLimit-Remaining": "99",
        }

    def _missing(self, scopes: list[str]) -> dict[str, Any]:
        words = "This app hasn't been granted all required scopes to make this call."
        inner = {"message": "One or more of the following scopes are required.",
                 "context": {"requiredGranularScopes": scopes}}  # fmt: skip
        links = {"scopes": "https://developers.hubspot.com/scopes"}
        return wrong("MISSING_SCOPES", words) | {"errors": [inner], "links": links}

    # --- account, properties, pipelines, owners ---

    def token(self, call: Call) -> Answer:
        """A refresh token for an access token of half an hour."""
        form = call.request.form()
        refresh = form.get("refresh_token", "")
        is_known = self.tokens.is_good(refresh, "refresh") or self.tokens.is_static(refresh)
        if form.get("grant_type") == "authorization_code" and self.redeemed(form, form.get("client_id", "")):
            refresh, is_known = self.tokens.issue("refresh", 365 * 86_400), True
        elif form.get("grant_type") != "refresh_token" or not is_known or not form.get("client_id"):
            words = "missing or unknown refresh token"
            body = {"status": "BAD_REFRESH_TOKEN", "message": words, "error": "invalid_grant"}
            raise Told(400, body | {"error_description": words})
        return json_answer(
            {"access_token": self.tokens.issue(seconds=1800), "refresh_token": refresh, "expires_in": 1800,
             "token_type": "bearer", "token_use": "access_token", "hub_id": 62515, "scopes": [], "user_id": 123}
        )  # fmt: skip

    def details(self, call: Call) -> Answer:
        """The account."""
        return json_answer(
            {"portalId": 62515, "accountType": "STANDARD", "timeZone": self.time_zone, "companyCurrency": self.currency,
             "additionalCurrencies": ["USD"], "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000,
             "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1"}
        )  # fmt: skip

    def list_properties(self, call: Call, type: str) -> Answer:
        """All definitions."""
        return json_answer({"results": list(self.definitions(type_of(type)).values())})

    def one_property(self, call: Call, type: str, property: str) -> Answer:
        """One definition."""
        found = self.definitions(type_of(type)).get(property)
        if found is None:
            raise Refused("not_found", f"Property {property} does not exist", status=404)
        return json_answer(found)

    def make_property(self, call: Call, type: str) -> Answer:
        """A custom property; 409 for a name that is taken, at most ten unique ones."""
        kind, body = type_of(type), call.request.json()
        if lacking := [each for each in ("name", "label", "type", "fieldType", "groupName") if not body.get(each)]:
            raise Refused("required", f"Invalid input JSON: {lacking[0]} is required", status=400)
        known = self.definitions(kind)
        if body["name"] in known:
            raise Told(409, wrong("OBJECT_ALREADY_EXISTS", f"Property {body['name']} already exists"))
        if body.get("hasUniqueValue") and sum(bool(each["hasUniqueValue"]) for each in known.values()) >= 10:
            raise Refused("limit", "Only 10 unique properties are allowed.", status=400)
        made = prop(body["name"], body["label"], body["type"], group=body["groupName"], is_custom=True)
        made |= {
            name: body[name] for name in ("fieldType", "hasUniqueValue", "description", "formField") if name in body
        }
        self.records.add("properties", {"name": body["name"], "type": kind, "definition": made})
        return json_answer(made, 201)

    def add_property(self, kind: str, name: str, type: str = "string", **further: Any) -> None:
        """A custom property, as an admin makes it."""
        made = prop(name, name.replace("_", " ").capitalize(), type, is_custom=True, **further)
        self.records.add("properties", {"name": name, "type": kind, "definition": made})

    def object_schema(self, call: Call, type: str) -> Answer:
        """What the account's admin asks of every record of a kind, beside its properties."""
        kind = type_of(type)
        return json_answer({
            "id": kind, "objectTypeId": {"contacts": "0-1", "companies": "0-2"}.get(kind, "0-3"), "name": kind.upper(),
            "fullyQualifiedName": kind.upper(), "labels": {"singular": kind, "plural": kind}, "archived": False,
            "requiredProperties": self.required(kind), "searchableProperties": [], "secondaryDisplayProperties": [],
            "properties": list(self.definitions(kind).values()), "associations": [], "allowsSensitiveProperties": False,
        })  # fmt: skip

    def pipelines(self, call: Call, type: str) -> Answer:
        """Deals have two."""
        return json_answer({"results": list(PIPELINES) if type_of(type) == "deals" else []})

    def owners(self, call: Call) -> Answer:
        """Users, or those who were, by pages."""
        is_gone = call.request.one("archived") == "true"
        rows = [each for each in OWNERS if each["archived"] is is_gone]
        return json_answer(paged(rows, call))


# Engagements go with their contacts; what emails say takes a scope of its own.
ACTIVITY_SCOPES = {
    "calls": "crm.objects.contacts.read",
    "meetings": "crm.objects.contacts.read",
    "emails": "sales-email-read",
}


def _scope(call: Call) -> frozenset[str]:
    """The scopes any of which a call needs; none for the account's facts."""
    path, verb = call.route.path, "write" if call.route.writes else "read"
    kind = TYPES.get(call.values.get("type") or call.values.get("one", ""), "")
    if path.startswith(("/crm/properties", "/crm-object-schemas")):
        return frozenset({f"crm.schemas.{kind}.{verb}"})
    if path.startswith(("/marketing/forms", "/form-integrations")):
        return frozenset({"forms"})
    if path.startswith("/crm/lists"):
        return frozenset({"crm.lists.read"})
    if path.startswith(("/crm/objects", "/crm/associations")) and kind in ACTIVITY_SCOPES:
        return frozenset({ACTIVITY_SCOPES[kind]})
    if path.startswith(("/crm/objects", "/crm/associations")):
        return frozenset({f"crm.objects.{kind}.{verb}"})
    if path.startswith("/crm/pipelines"):
        return frozenset({"crm.schemas.deals.read"})
    return frozenset({"crm.objects.owners.read"} if "owners" in path else
                     {"marketing.campaigns.read"} if "campaigns" in path else ())  # fmt: skip


DIALECT = HubSpot
