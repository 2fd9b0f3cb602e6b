"""HubSpot's records as its API shows and takes them: lists, searches, batches and associations."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ...messages import Answer, json_answer
from ...meters import Bucket
from ...rules import Refused
from ..base import Call, Dialect
from ..shapes import Duplicate, Record
from .schema import DEFAULTS, PROPERTIES, STAGES, fault_of, invalid, missing

V = "2026-09"
TYPES = {
    "contacts": "contacts", "contact": "contacts", "0-1": "contacts", "companies": "companies", "company": "companies",
    "0-2": "companies", "deals": "deals", "deal": "deals", "0-3": "deals", "calls": "calls", "meetings": "meetings",
    "emails": "emails",
}  # fmt: skip
FIRST_ID = 9_000_000_000
COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda held, asked: held == asked,
    "NEQ": lambda held, asked: held != asked,
    "GT": lambda held, asked: held > asked,
    "GTE": lambda held, asked: held >= asked,
    "LT": lambda held, asked: held < asked,
    "LTE": lambda held, asked: held <= asked,
}
Filter = tuple[str, str, tuple[int, Any]]


class Told(Refused):
    """A refusal whose whole body is known."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("category", "")), str(body.get("message", "")), status=status)
        self.body = body


def wrong(category: str, message: str) -> dict[str, Any]:
    """HubSpot's error body."""
    return {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category}


class Objects(Dialect):
    """The routes of records; `HubSpot` adds the account around them."""

    search_cap = 10_000
    lag = timedelta()
    conflicts_by_row = False
    search_bucket: Bucket | None = None

    def definitions(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by name, custom ones included."""
        custom = [each.members for each in self.records.listing("properties", limit=1000)]
        rows = [*PROPERTIES[kind], *(each["definition"] for each in custom if each["type"] == kind)]
        return {each["name"]: each for each in rows}

    def required(self, kind: str) -> list[str]:
        """The properties without which nobody makes such a record here."""
        return self.records.meta(f"required {kind}").split()

    def lacking(self, kind: str, members: Mapping[str, Any]) -> list[str]:
        """The required properties that a new record would not have."""
        return [name for name in self.required(kind) if not members.get(name)]

    # --- reading records ---

    def listing(self, call: Call, type: str) -> Answer:
        """Records by id, living or archived."""
        kind, limit = type_of(type), number_of(call.request.one("limit", "10"), 100)
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
        kind, body = type_of(type), call.request.json()
        limit, start = body.get("limit", 10), number_of(str(body.get("after") or "0"), 10**9, least=0)
        if not isinstance(limit, int) or not 0 < limit <= 200:
            raise Refused("limit", "limit must be between 1 and 200", status=400)
        if start + limit > self.search_cap:
            raise Refused("cap", f"paging through beyond {self.search_cap} results is not supported.", status=400)
        groups = [[_filter(each) for each in group["filters"]] for group in body.get("filterGroups") or []]
        held = self._indexed(kind, groups)
        found = [each for each in held if not groups or any(self._passes(each, group) for group in groups)]
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

    def _indexed(self, kind: str, groups: Sequence[Sequence[Filter]]) -> Iterable[Record]:
        """Living records that the index shows already; those beyond an id, where that is asked."""
        least = [max((wanted for name, verb, (_, wanted) in group if (name, verb) == ("hs_object_id", "GT")), default=0)
                 for group in groups]  # fmt: skip
        rows = self.records.listing(kind, after=max(min(least, default=0) - FIRST_ID, 0), limit=10**9)
        seen = self.records.now() - self.lag
        return [each for each in rows if each.modified_at < seen] if self.lag else rows

    def _passes(self, record: Record, group: Sequence[Filter]) -> bool:
        for name, verb, wanted in group:
            held = self._property(record, name)
            if verb in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
                if (held is not None) is (verb == "NOT_HAS_PROPERTY"):
                    return False
            elif held is None or not COMPARED[verb](_value(held), wanted):
                return False
        return True

    def batch_read(self, call: Call, type: str) -> Answer:
        """Records by id, e-mail or a unique property; fifty with history. Merged ids lead to the record that lives."""
        kind, body = type_of(type), call.request.json()
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
            words = f"Could not get some {kind.upper()} objects, they may be deleted or not exist."
            errors = [
                {"status": "error", "category": "OBJECT_NOT_FOUND", "message": words, "context": {"ids": missing}}
            ]
        return json_answer(self._batch(self.records.now(), call.page(shown), errors))

    def read_links(self, call: Call, one: str, other: str) -> Answer:
        """Associations of up to a thousand records; one without any stands among the errors."""
        inputs = call.request.json().get("inputs")
        if not isinstance(inputs, list) or len(inputs) > 1000:
            raise Refused("inputs", "At most 1000 ids.", status=400)
        one, other = type_of(one), type_of(other)
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
        kind, rows = type_of(type), self._inputs(call)
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
        kind, rows = type_of(type), self._inputs(call)
        with self.records.write() as stamp:
            results, errors = [], []
            for index, row in enumerate(rows):
                held = self.records.get(kind, str(row["id"]))
                if held is None or not held.is_live:
                    words = "Could not get some objects, they may be deleted or not exist."
                    errors.append(wrong("OBJECT_NOT_FOUND", words) | {"context": {"ids": [str(row["id"])]}})
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
        trace, definitions = row.get("objectWriteTraceId"), self.definitions(kind)
        if call.fails_row(index) and trace:
            return invalid("lastname", "INVALID_STRING", "Refused by the scenario.", trace=str(trace)), None
        for name, value in members.items():
            if bad := fault_of(definitions.get(name), name, value):
                if trace is None:
                    raise Told(400, wrong("", "") | invalid(name, *bad))
                return invalid(name, *bad, trace=str(trace)), None
        if lacking := self.lacking(kind, members) if known is None else ():
            told = missing(lacking)
            if trace is None or not self.conflicts_by_row:
                raise Told(400, wrong("VALIDATION_ERROR", "") | told)
            return told | {"context": {"objectWriteTraceId": [str(trace)]}}, None
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
                raise Told(409, wrong("CONFLICT", words)) from None
            context = {"objectWriteTraceId": [str(trace)], "existingId": [taken.id]}
            return {"status": "error", "category": "CONFLICT", "message": words, "context": context}, None

    def _written(self, record: Record, row: Mapping[str, Any], *, is_new: bool | None = None) -> dict[str, Any]:
        shown = self._shown(record, [*row["properties"]])
        if "objectWriteTraceId" in row:
            shown["objectWriteTraceId"] = row["objectWriteTraceId"]
        return shown if is_new is None else shown | {"new": is_new}

    def _check_unique_name(self, kind: str, name: str) -> None:
        found = self.definitions(kind).get(name)
        if not (found and found["hasUniqueValue"]) and (kind, name) != ("contacts", "email"):
            raise Refused("idProperty", f"Unable to perform update/upsert by non-unique {kind} property", status=400)

    # --- showing ---

    def _batch(self, started: datetime, results: Sequence[Any], errors: Sequence[Any]) -> dict[str, Any]:
        body = {"status": "COMPLETE", "results": list(results), "startedAt": iso(started),
                "completedAt": iso(max(self.records.now(), started))}  # fmt: skip
        return body | ({"numErrors": len(errors), "errors": list(errors)} if errors else {})

    def _property(self, record: Record, name: str) -> str | None:
        """A property's value as text, computed ones too."""
        if name == "hs_object_id":
            return record.id
        if name in ("lastmodifieddate", "hs_lastmodifieddate"):
            return iso(record.modified_at)
        if name == "createdate":
            return str(record.members.get(name) or iso(record.created_at))
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
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.modified_at),
            "archived": record.is_archived,
        }
        if record.is_archived:
            shown["archivedAt"] = iso(record.modified_at)
        if past:
            shown["propertiesWithHistory"] = self._past(record, past)
        return shown

    def _known(self, kind: str) -> set[str]:
        """Names of properties, without reading the definitions of custom ones for each record."""
        key = (kind, self.records.meta("last properties"))
        if getattr(self, "_known_at", None) != key:
            self._known_at, self._known_names = key, set(self.definitions(kind))
        return self._known_names

    def _past(self, record: Record, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Values by property, the newest first."""
        past: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for line in reversed(self.records.history(record.object, [record.id], names)):
            past[line.member].append(
                {"value": "" if line.new is None else str(line.new), "timestamp": iso(line.at),
                 "sourceType": "CRM_UI", "sourceId": "userId:41001", "updatedByUserId": 46001}
            )  # fmt: skip
        return past


def type_of(name: str) -> str:
    """The kind that a path names."""
    if name not in TYPES:
        raise Refused("type", f"Unable to infer object type from: {name}", status=400)
    return TYPES[name]


def number_of(words: str, most: int, *, least: int = 1) -> int:
    """A whole number within bounds."""
    if not words.isdigit() or not least <= int(words) <= most:
        raise Refused("number", f"{words[:20]} is not between {least} and {most}.", status=400)
    return int(words)


def _filter(asked: Mapping[str, Any]) -> Filter:
    verb = str(asked["operator"])
    if verb not in COMPARED and verb not in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        raise Refused("operator", f"The operator {verb} is not for this sandbox.", status=400)
    return str(asked["propertyName"]), verb, _value(str(asked.get("value", "")))


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


def iso(moment: datetime) -> str:
    """A stamp as HubSpot writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
