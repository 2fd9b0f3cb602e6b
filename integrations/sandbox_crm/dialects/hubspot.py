"""HubSpot's dialect, dated version 2026-09, as its published descriptions and error guides have it.

Every value is a text and unset is null. Batches answer 200 with `errors` in the body and their rows in no order; a
contact whose e-mail is taken fails the whole batch with 409, or only its row where `conflicts_by_row` is set. Searches
see a change only `lag` later, stop at `search_cap` results and tell no limits. Verbs of `meanwhile` besides the common
ones: {"verb": "lag", "seconds": 30}, {"verb": "daily", "left": 0}, {"verb": "deny", "scopes": […]} (none grants all
again) and {"verb": "conflicts", "by_row": true}.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..messages import Answer, json_answer
from ..meters import Bucket
from ..rules import Refused
from .base import Call, Dialect, Route
from .hubspot_schema import DEFAULTS, OWNERS, PIPELINES, PROPERTIES, STAGES, fault_of, invalid, link_terms, prop, terms
from .records import Duplicate, ObjectType, Record
from .scenario import Fault

V = "2026-09"
TYPES = {
    "contacts": "contacts", "contact": "contacts", "0-1": "contacts", "companies": "companies", "company": "companies",
    "0-2": "companies", "deals": "deals", "deal": "deals", "0-3": "deals",
}  # fmt: skip
FIRST_ID = 9_000_000_000
CATEGORIES = {400: "VALIDATION_ERROR", 401: "INVALID_AUTHENTICATION", 404: "OBJECT_NOT_FOUND", 409: "CONFLICT",
              423: "LOCKED", 429: "RATE_LIMITS"}  # fmt: skip
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda held, asked: held == asked,
    "NEQ": lambda held, asked: held != asked,
    "GT": lambda held, asked: held > asked,
    "GTE": lambda held, asked: held >= asked,
    "LT": lambda held, asked: held < asked,
    "LTE": lambda held, asked: held <= asked,
}


def _object(name: str, label: str, *, title: tuple[str, ...], **further: Any) -> ObjectType:
    return ObjectType(name, label, make_id=lambda number: str(FIRST_ID + number), title=title, **further)


class Told(Refused):
    """A refusal whose whole body is known."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("category", "")), str(body.get("message", "")), status=status)
        self.body = body


class HubSpot(Dialect):
    """One HubSpot account; see the module."""

    kind, name, prefix = "hubspot", "HubSpot", "/hubspot"
    resolution = "milliseconds"
    objects = (
        _object("contacts", "Contacts", terms=terms, unique=frozenset({"email"}),
                title=("firstname", "lastname", "email")),
        _object("companies", "Companies", title=("name",)),
        _object("deals", "Deals", title=("dealname",), tracked=frozenset({"dealstage", "pipeline", "amount"})),
        _object("campaigns", "Campaigns", title=("hs_name",)),
        _object("links", "Associations", title=("label",), terms=link_terms, is_shown=False),
        _object("properties", "Properties", title=("name",), is_shown=False),
    )  # fmt: skip
    routes = (
        Route("POST", f"/oauth/{V}/token", "token", is_open=True),
        Route("GET", f"/account-info/{V}/details", "details"),
        Route("GET", f"/crm/properties/{V}/{{type}}", "list_properties"),
        Route("POST", f"/crm/properties/{V}/{{type}}", "make_property"),
        Route("GET", f"/crm/properties/{V}/{{type}}/{{property}}", "one_property"),
        Route("GET", f"/crm/pipelines/{V}/{{type}}", "pipelines"),
        Route("GET", f"/crm/owners/{V}", "owners"),
        Route("GET", f"/marketing/campaigns/{V}", "campaigns"),
        Route("GET", f"/crm/objects/{V}/{{type}}", "listing"),
        Route("POST", f"/crm/objects/{V}/{{type}}/search", "search", is_read=True),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/read", "batch_read", is_read=True),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/upsert", "upsert"),
        Route("POST", f"/crm/objects/{V}/{{type}}/batch/update", "update"),
        Route("POST", f"/crm/associations/{V}/{{one}}/{{other}}/batch/read", "read_links", is_read=True),
    )
    daily_limit = 250_000
    search_cap = 10_000
    time_zone, currency = "Europe/Berlin", "EUR"

    def __init__(self, path: Path | str, token: str, *, rate: float | None = None) -> None:
        self.lag = timedelta()
        self.used = 0
        self.denied: frozenset[str] = frozenset()
        self.conflicts_by_row = False
        self.search_bucket: Bucket | None = Bucket(5)
        super().__init__(path, token, rate=rate)

    # --- for tests and the demo ---

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
        found = self._definitions(kind).get(member) if kind in PROPERTIES else None
        return [(each["value"], each["label"]) for each in found["options"]] if found else ()

    def edited(self, record: Record, members: dict[str, Any]) -> dict[str, Any]:
        """A deal that enters a closed stage is closed today."""
        moved = members.get("dealstage", record.members.get("dealstage"))
        if record.object != "deals" or moved == record.members.get("dealstage"):
            return members
        pipeline = members.get("pipeline") or record.members.get("pipeline")
        if STAGES.get((str(pipeline), str(moved))) in ("1.0", "0.0"):
            return {"closedate": _iso(self.records.now()), **members}
        return members

    # --- what HubSpot says ---

    def sign_in(self, call: Call) -> None:
        """A bearer, then the day's calls, then the scope."""
        given = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not (self.tokens.is_static(given) or self.tokens.is_good(given)):
            expired = self.records.token_expiry(given, "access") is not None
            words = "The access token is expired." if expired else "Authentication credentials not found."
            category = "EXPIRED_AUTHENTICATION" if expired else "INVALID_AUTHENTICATION"
            raise Told(401, self._error(category, words))
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
            body = self._error("RATE_LIMITS", words) | {"errorType": "RATE_LIMIT", "policyName": policy}
            return json_answer(body, 429)
        category = CATEGORIES.get(refused.status, "INTERNAL_ERROR")
        return json_answer(self._error(category, fault.message), refused.status)

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

    def _error(self, category: str, message: str) -> dict[str, Any]:
        return {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category}

    def _missing(self, scopes: list[str]) -> dict[str, Any]:
        words = "This app hasn't been granted all required scopes to make this call."
        inner = {"message": "One or more of the following scopes are required.",
                 "context": {"requiredGranularScopes": scopes}}  # fmt: skip
        links = {"scopes": "https://developers.hubspot.com/scopes"}
        return self._error("MISSING_SCOPES", words) | {"errors": [inner], "links": links}

    # --- account, properties, pipelines, owners, campaigns ---

    def token(self, call: Call) -> Answer:
        """A refresh token for an access token of half an hour."""
        form = call.request.form()
        refresh = form.get("refresh_token", "")
        is_known = self.tokens.is_good(refresh, "refresh") or self.tokens.is_static(refresh)
        if form.get("grant_type") != "refresh_token" or not is_known or not form.get("client_id"):
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
        return json_answer({"results": list(self._definitions(_type(type)).values())})

    def one_property(self, call: Call, type: str, property: str) -> Answer:
        """One definition."""
        found = self._definitions(_type(type)).get(property)
        if found is None:
            raise Refused("not_found", f"Property {property} does not exist", status=404)
        return json_answer(found)

    def make_property(self, call: Call, type: str) -> Answer:
        """A custom property; 409 for a name that is taken, at most ten unique ones."""
        kind, body = _type(type), call.request.json()
        if lacking := [each for each in ("name", "label", "type", "fieldType", "groupName") if not body.get(each)]:
            raise Refused("required", f"Invalid input JSON: {lacking[0]} is required", status=400)
        known = self._definitions(kind)
        if body["name"] in known:
            raise Told(409, self._error("OBJECT_ALREADY_EXISTS", f"Property {body['name']} already exists"))
        if body.get("hasUniqueValue") and sum(bool(each["hasUniqueValue"]) for each in known.values()) >= 10:
            raise Refused("limit", "Only 10 unique properties are allowed.", status=400)
        made = prop(body["name"], body["label"], body["type"], group=body["groupName"], is_custom=True)
        made |= {
            name: body[name] for name in ("fieldType", "hasUniqueValue", "description", "formField") if name in body
        }
        self.records.add("properties", {"name": body["name"], "type": kind, "definition": made})
        return json_answer(made, 201)

    def pipelines(self, call: Call, type: str) -> Answer:
        """Deals have two."""
        return json_answer({"results": list(PIPELINES) if _type(type) == "deals" else []})

    def owners(self, call: Call) -> Answer:
        """Users, or those who were, by pages."""
        is_gone = call.request.one("archived") == "true"
        rows = [each for each in OWNERS if each["archived"] is is_gone]
        return json_answer(_paged(rows, call))

    def campaigns(self, call: Call) -> Answer:
        """All campaigns with the properties asked for."""
        asked = [each for value in call.request.query.get("properties", ()) for each in value.split(",")]
        rows = [
            {"id": each.id, "createdAt": _iso(each.created_at), "updatedAt": _iso(each.modified_at), "businessUnits": [],
             "properties": {name: each.members[name] for name in asked if each.members.get(name) is not None}}
            for each in self.records.listing("campaigns", limit=1000)
        ]  # fmt: skip
        return json_answer({"total": len(rows), **_paged(rows, call)})

    def _definitions(self, kind: str) -> dict[str, dict[str, Any]]:
        custom = [each.members for each in self.records.listing("properties", limit=1000)]
        rows = [*PROPERTIES[kind], *(each["definition"] for each in custom if each["type"] == kind)]
        return {each["name"]: each for each in rows}

    # --- reading records ---

    def listing(self, call: Call, type: str) -> Answer:
        """Records by id, living or archived."""
        kind, limit = _type(type), _number(call.request.one("limit", "10"), 100)
        after = call.request.one("after")
        rows = self.records.listing(
            kind,
            after=int(after) - FIRST_ID - 1 if after.isdigit() else 0,
            state="archived" if call.request.one("archived") == "true" else "live",
            limit=limit + 1,
        )
        asked = [each for value in call.request.query.get("properties", ()) for each in value.split(",") if each]
        body: dict[str, Any] = {"results": [self._shown(each, asked) for each in call.page(rows[:limit])]}
        if len(rows) > limit:
            body["paging"] = {"next": {"after": rows[limit].id, "link": f"{call.base_url}/crm/objects/{V}/{type}"}}
        return json_answer(body)

    def search(self, call: Call, type: str) -> Answer:
        """Living records that were indexed already and meet the filters, in one order."""
        if self.search_bucket and self.search_bucket.wait():
            raise Refused("SECONDLY", "", status=429)
        kind, body = _type(type), call.request.json()
        limit, start = body.get("limit", 10), _number(str(body.get("after") or "0"), 10**9, least=0)
        if not isinstance(limit, int) or not 0 < limit <= 200:
            raise Refused("limit", "limit must be between 1 and 200", status=400)
        if start + limit > self.search_cap:
            raise Refused("cap", f"paging through beyond {self.search_cap} results is not supported.", status=400)
        found = [each for each in self._indexed(kind, body) if self._meets(each, body.get("filterGroups") or [])]
        for sort in body.get("sorts") or []:
            name, is_down = (
                (sort, False) if isinstance(sort, str) else (sort["propertyName"], sort["direction"][0] == "D")
            )
            found.sort(
                key=lambda each: _value(self._property(each, name.lstrip("-"))), reverse=is_down or name[0] == "-"
            )
        page = found[start : start + limit]
        shown = [self._shown(each, body.get("properties") or []) for each in call.page(page)]
        answer: dict[str, Any] = {"total": len(found), "results": shown}
        if start + limit < len(found):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return json_answer(answer)

    def _indexed(self, kind: str, body: Mapping[str, Any]) -> list[Record]:
        return self.records.page(kind, until=self.records.now() - self.lag if self.lag else None, limit=10**9)

    def _meets(self, record: Record, groups: Sequence[Mapping[str, Any]]) -> bool:
        return not groups or any(all(self._passes(record, each) for each in group["filters"]) for group in groups)

    def _passes(self, record: Record, asked: Mapping[str, Any]) -> bool:
        held, verb = self._property(record, asked["propertyName"]), asked["operator"]
        if verb in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            return (held not in (None, "")) is (verb == "HAS_PROPERTY")
        if verb not in COMPARED:
            raise Refused("operator", f"The operator {verb} is not for this sandbox.", status=400)
        return held is not None and COMPARED[verb](_value(held), _value(str(asked["value"])))

    def batch_read(self, call: Call, type: str) -> Answer:
        """Records by id, e-mail or a unique property; fifty with history. Merged ids lead to the record that lives."""
        kind, body = _type(type), call.request.json()
        inputs, past = body.get("inputs"), body.get("propertiesWithHistory") or []
        if not isinstance(inputs, list) or len(inputs) > 100:
            raise Refused("inputs", "The maximum number of inputs supported in a batch request is 100", status=400)
        if past and len(inputs) > 50:
            words = "The maximum number of inputs supported in a batch request for property histories is 50."
            raise Refused("inputs", f"{words} Please reduce the number of items and try again", status=400)
        ids, name = [str(each["id"]) for each in inputs], body.get("idProperty")
        is_archived = call.request.one("archived") == "true"
        if name:
            self._check_unique_name(kind, name)
            rows = self.records.find(kind, name, ids, state="archived" if is_archived else "live")
            there = {str(each.members.get(name) or "").casefold() for each in rows}
            missing = [each for each in ids if each.casefold() not in there]
        else:
            held = self.records.many(kind, ids)
            alive = [self.records.get(kind, each.merged_into) if each.merged_into else each for each in held.values()]
            rows = list({
                each.id: each for each in alive
                if each and not each.is_deleted and each.is_archived is is_archived
            }.values())  # fmt: skip
            kept = {each.id for each in rows}
            missing = [each for each in ids if each not in kept and (held.get(each) is None or not
                       {held[each].merged_into} & kept)]  # fmt: skip
        shown = [self._shown(each, body.get("properties") or [], past) for each in rows]
        errors = []
        if missing:
            words = f"Could not get some {kind.upper()} objects, they may be deleted or not exist. Check that ids are valid."
            errors = [
                {"status": "error", "category": "OBJECT_NOT_FOUND", "message": words, "context": {"ids": missing}}
            ]
        return json_answer(self._batch(self.records.now(), call.page(shown), errors))

    def read_links(self, call: Call, one: str, other: str) -> Answer:
        """Associations of up to a thousand records; one without any stands among the errors."""
        inputs = call.request.json().get("inputs")
        if not isinstance(inputs, list) or len(inputs) > 1000:
            raise Refused("inputs", "At most 1000 ids.", status=400)
        one, other = _type(one), _type(other)
        ids = [str(each["id"]) for each in inputs]
        found: dict[str, list[dict[str, Any]]] = {}
        for link in self.records.find("links", f"{one}>{other}", ids):
            at = link.members
            from_id, to_id = (at["one_id"], at["other_id"]) if at["one"] == one else (at["other_id"], at["one_id"])
            types = [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}]
            if at["label"]:
                category = "HUBSPOT_DEFINED" if at["label"] == "Primary" else "USER_DEFINED"
                types.append({"category": category, "typeId": 41, "label": at["label"]})
            found.setdefault(from_id, []).append({"toObjectId": to_id, "associationTypes": types})
        errors = [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
             "message": f"No {other} is associated with {one} {each}.",
             "context": {"fromObjectId": [each], "fromObjectType": [one], "toObjectType": [other]}}
            for each in ids if each not in found
        ]  # fmt: skip
        results = [{"from": {"id": each}, "to": found[each]} for each in ids if each in found]
        return json_answer(self._batch(self.records.now(), results, errors))

    # --- writing records ---

    def upsert(self, call: Call, type: str) -> Answer:
        """Create or change by a unique property, row by row; see the module for what fails as a whole."""
        kind, rows = _type(type), self._inputs(call)
        for name in {str(row.get("idProperty")) for row in rows}:
            self._check_unique_name(kind, name)
        with self.records.write() as stamp:
            results, errors = [], []
            for index, row in enumerate(rows):
                name, key = str(row["idProperty"]), str(row["id"])
                members = {name: key, **row["properties"]}
                found = self.records.find(kind, name, [key], state="live")
                error, record = self._write(call, index, kind, row, members, found[0].id if found else None)
                if error:
                    errors.append(error)
                elif record:
                    results.append(self._written(record, row, is_new=not found))
        return json_answer(self._batch(datetime.fromisoformat(stamp), results[::-1], errors))

    def update(self, call: Call, type: str) -> Answer:
        """Change records by their id."""
        kind, rows = _type(type), self._inputs(call)
        with self.records.write() as stamp:
            results, errors = [], []
            for index, row in enumerate(rows):
                held = self.records.get(kind, str(row["id"]))
                if held is None or not held.is_live:
                    words = "Could not get some objects, they may be deleted or not exist."
                    errors.append(self._error("OBJECT_NOT_FOUND", words) | {"context": {"ids": [str(row["id"])]}})
                    continue
                error, record = self._write(call, index, kind, row, row["properties"], held.id)
                if error:
                    errors.append(error)
                elif record:
                    results.append(self._written(record, row))
        return json_answer(self._batch(datetime.fromisoformat(stamp), results[::-1], errors))

    def _inputs(self, call: Call) -> list[Mapping[str, Any]]:
        rows = call.request.json().get("inputs")
        if not isinstance(rows, list) or not 0 < len(rows) <= 100:
            raise Refused("inputs", "The maximum number of inputs supported in a batch request is 100", status=400)
        ids = [str(row.get("id")) for row in rows if isinstance(row, dict) and isinstance(row.get("properties"), dict)]
        if len(ids) < len(rows):
            raise Refused("inputs", "Invalid input JSON: an input needs id and properties", status=400)
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            words = f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique"
            raise Refused("inputs", words, status=400)
        return rows

    def _write(
        self, call: Call, index: int, kind: str, row: Mapping[str, Any], members: Mapping[str, Any], known: str | None
    ) -> tuple[dict[str, Any] | None, Record | None]:
        """The row's error, or its record."""
        trace, definitions = row.get("objectWriteTraceId"), self._definitions(kind)
        if call.fails_row(index) and trace:
            return invalid("lastname", "INVALID_STRING", "Refused by the scenario.", trace=str(trace)), None
        for name, value in members.items():
            if bad := fault_of(definitions.get(name), name, value):
                if trace is None:
                    raise Told(400, self._error("", "") | invalid(name, *bad))
                return invalid(name, *bad, trace=str(trace)), None
        unique = [name for name in members if definitions[name]["hasUniqueValue"] and members[name]]
        try:
            for name in unique:
                for other in self.records.find(kind, name, [members[name]], state="live"):
                    if other.id != known:
                        raise Duplicate(name, members[name], other.id)
            kept = {name: value or None for name, value in members.items()}
            if kind == "contacts" and kept.get("email"):
                kept["email"] = str(kept["email"]).lower()
            return None, (self.records.change(kind, known, kept) if known else self.records.add(kind, kept, by="api"))
        except Duplicate as taken:
            words = f"Contact already exists. Existing ID: {taken.id}"
            if not self.conflicts_by_row:
                raise Told(409, self._error("CONFLICT", words)) from None
            context = {"objectWriteTraceId": [str(trace)], "existingId": [taken.id]}
            return {"status": "error", "category": "CONFLICT", "message": words, "context": context}, None

    def _written(self, record: Record, row: Mapping[str, Any], *, is_new: bool | None = None) -> dict[str, Any]:
        shown = self._shown(record, [*row["properties"]])
        if "objectWriteTraceId" in row:
            shown["objectWriteTraceId"] = row["objectWriteTraceId"]
        return shown if is_new is None else shown | {"new": is_new}

    def _check_unique_name(self, kind: str, name: str) -> None:
        found = self._definitions(kind).get(name)
        if not (found and found["hasUniqueValue"]) and (kind, name) != ("contacts", "email"):
            raise Refused("idProperty", f"Unable to perform update/upsert by non-unique {kind} property", status=400)

    # --- showing ---

    def _batch(self, started: datetime, results: Sequence[Any], errors: Sequence[Any]) -> dict[str, Any]:
        body = {"status": "COMPLETE", "results": list(results), "startedAt": _iso(started),
                "completedAt": _iso(max(self.records.now(), started))}  # fmt: skip
        return body | ({"numErrors": len(errors), "errors": list(errors)} if errors else {})

    def _property(self, record: Record, name: str) -> str | None:
        """A property's value as text, computed ones too."""
        if name == "hs_object_id":
            return record.id
        if name in ("lastmodifieddate", "hs_lastmodifieddate"):
            return _iso(record.modified_at)
        if name == "createdate":
            return str(record.members.get(name) or _iso(record.created_at))
        if record.object == "deals" and name in ("hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability"):
            at = record.members
            chance = STAGES.get((str(at.get("pipeline")), str(at.get("dealstage"))), "0.5")
            if name == "hs_deal_stage_probability":
                return chance
            return str(chance in (("1.0",) if name.endswith("won") else ("1.0", "0.0"))).lower()
        value = record.members.get(name)
        return None if value in (None, "") else str(value)

    def _shown(self, record: Record, asked: Iterable[str], past: Sequence[str] = ()) -> dict[str, Any]:
        kind = record.object
        stamp = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        names = [*(list(asked) or DEFAULTS[kind]), "createdate", "hs_object_id", stamp]
        known = self._known(kind)
        shown: dict[str, Any] = {
            "id": record.id,
            "properties": {name: self._property(record, name) for name in dict.fromkeys(names) if name in known},
            "createdAt": _iso(record.created_at),
            "updatedAt": _iso(record.modified_at),
            "archived": record.is_archived,
        }
        if record.is_archived:
            shown["archivedAt"] = _iso(record.modified_at)
        if past:
            shown["propertiesWithHistory"] = self._past(record, past)
        return shown

    def _known(self, kind: str) -> set[str]:
        """Names of properties, without reading the definitions of custom ones for each record."""
        key = (kind, self.records.meta("last properties"))
        if getattr(self, "_known_at", None) != key:
            self._known_at, self._known_names = key, set(self._definitions(kind))
        return self._known_names

    def _past(self, record: Record, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Values by property, the newest first."""
        past: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for line in reversed(self.records.history(record.object, [record.id], names)):
            past[line.member].append(
                {"value": "" if line.new is None else str(line.new), "timestamp": _iso(line.at),
                 "sourceType": "CRM_UI", "sourceId": "userId:41001", "updatedByUserId": 46001}
            )  # fmt: skip
        return past


def _type(name: str) -> str:
    if name not in TYPES:
        raise Refused("type", f"Unable to infer object type from: {name}", status=400)
    return TYPES[name]


def _scope(call: Call) -> frozenset[str]:
    """The scopes any of which a call needs; none for the account's facts."""
    path, verb = call.route.path, "write" if call.route.writes else "read"
    kind = TYPES.get(call.values.get("type") or call.values.get("one", ""), "")
    if path.startswith("/crm/properties"):
        return frozenset({f"crm.schemas.{kind}.{verb}"})
    if path.startswith(("/crm/objects", "/crm/associations")):
        return frozenset({f"crm.objects.{kind}.{verb}"})
    if path.startswith("/crm/pipelines"):
        return frozenset({"crm.schemas.deals.read"})
    return frozenset({"crm.objects.owners.read"} if "owners" in path else
                     {"marketing.campaigns.read"} if "campaigns" in path else ())  # fmt: skip


def _paged(rows: Sequence[Any], call: Call) -> dict[str, Any]:
    limit, after = _number(call.request.one("limit", "100"), 500), call.request.one("after", "0")
    start = int(after) if after.isdigit() else 0
    body: dict[str, Any] = {"results": list(rows[start : start + limit])}
    if len(rows) > start + limit:
        body["paging"] = {"next": {"after": str(start + limit)}}
    return body


def _number(words: str, most: int, *, least: int = 1) -> int:
    if not words.isdigit() or not least <= int(words) <= most:
        raise Refused("number", f"{words[:20]} is not between {least} and {most}.", status=400)
    return int(words)


def _value(words: str | None) -> tuple[int, Any]:
    """Something to compare by: numbers and moments as numbers, other texts as they are, nothing first."""
    if words is None:
        return 0, 0
    try:
        return 1, int(words)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        return 2, words.casefold()
    return 1, (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


DIALECT = HubSpot
