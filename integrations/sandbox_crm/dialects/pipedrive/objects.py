"""Pipedrive's records as its API shows and takes them: lists, search, people, leads and the past of deals."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...messages import Answer, json_answer
from ...rules import Refused
from ...schema import as_stamp, stamp_text
from ..base import Call, Dialect
from ..shapes import Members, Record, State

WRITABLE = {
    "name": str, "owner_id": int, "org_id": int, "add_time": str, "update_time": str, "emails": list, "phones": list,
    "visible_to": int, "label_ids": list, "marketing_status": str, "custom_fields": dict,
}  # fmt: skip
PERSON: Mapping[str, Any] = {
    "name": "", "first_name": "", "last_name": "", "owner_id": 1, "org_id": None, "emails": [], "phones": [],
    "visible_to": 3, "label_ids": [], "picture_id": None, "marketing_status": "no_consent", "custom_fields": {},
}  # fmt: skip
MARKETING = ("no_consent", "unsubscribed", "subscribed", "archived")
DEAL: Mapping[str, Any] = {
    "title": "Deal", "owner_id": 1, "person_id": None, "org_id": None, "pipeline_id": 1, "stage_id": 1, "value": 0,
    "currency": "EUR", "stage_change_time": None, "status": "open", "probability": None, "lost_reason": None,
    "visible_to": 3, "close_time": None, "won_time": None, "lost_time": None, "expected_close_date": None,
    "local_close_date": None, "local_won_date": None, "local_lost_date": None,
    "label_ids": [], "origin": "ManuallyCreated", "origin_id": None, "channel": None, "channel_id": None,
    "custom_fields": {},
}  # fmt: skip
ORGANIZATION: Mapping[str, Any] = {
    "name": "", "owner_id": 1, "visible_to": 3, "label_ids": [], "address": None, "custom_fields": {},
}  # fmt: skip
ORGANIZATION_WRITABLE = {
    "name": str, "owner_id": int, "add_time": str, "update_time": str, "visible_to": int, "label_ids": list,
    "address": dict, "custom_fields": dict,
}  # fmt: skip
ADDRESS = {"value", "country", "admin_area_level_1", "admin_area_level_2", "locality", "sublocality", "route",
           "street_number", "postal_code"}  # fmt: skip
STATUSES = ("open", "won", "lost", "deleted")


def person_terms(members: Members) -> Iterable[tuple[str, str]]:
    """E-mails, phones, the name and texts of custom fields."""
    yield from (("email", str(each.get("value", ""))) for each in members["emails"])
    yield from (("phone", str(each.get("value", ""))) for each in members["phones"])
    yield "name", members["name"]
    yield from (("custom_fields", each) for each in members["custom_fields"].values() if isinstance(each, str))


def organization_terms(members: Members) -> Iterable[tuple[str, str]]:
    """The name."""
    yield "name", str(members["name"])


class Objects(Dialect):
    """The routes of records; `Pipedrive` adds the account around them."""

    # --- lists ---

    def shown(self, record: Record) -> dict[str, Any]:
        """A record as v2 shows it."""
        state: dict[str, Any] = {"is_deleted": record.is_deleted}
        if record.object == "deal":
            state |= {"is_archived": record.is_archived}
            if record.is_deleted:
                state |= {"status": "deleted"}
        times = {"add_time": time_text(record.created_at), "update_time": time_text(record.modified_at)}
        number = record.id if record.object == "lead" else int(record.id)
        return {"id": number, **record.members, **times, **state}

    def persons(self, call: Call) -> Answer:
        """People who are not deleted."""
        return self.listed(call, "person", ("live", "archived"))

    def deals(self, call: Call) -> Answer:
        """Deals that are not archived; deleted ones where `status` asks for them."""
        return self.listed(call, "deal", ("live", "deleted"))

    def archived_deals(self, call: Call) -> Answer:
        """Archived deals."""
        return self.listed(call, "deal", ("archived",))

    def activities(self, call: Call) -> Answer:
        """Activities; those deleted since are still listed, and say so."""
        return self.listed(call, "activity", ("live", "deleted"))

    def organizations(self, call: Call) -> Answer:
        """Organizations."""
        return self.listed(call, "organization", ("live",))

    def listed(self, call: Call, kind: str, states: Sequence[State]) -> Answer:
        """Records of these states: by id, or those of a window in pages with a cursor."""
        limit = self._limit(call)
        if ids := call.request.one("ids"):
            wanted = ids.split(",")
            if len(wanted) > 100:
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "ids: at most 100.", "ids", 400)
            rows = [each for each in self.records.many(kind, wanted).values() if self._is_wanted(call, each, states)]
            return good([self._row(each, call) for each in call.page(rows)], next_cursor=None)
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
        return good([self._row(each, call) for each in call.page(page)], next_cursor=cursor)

    def _is_wanted(self, call: Call, record: Record, states: Sequence[State]) -> bool:
        state = "deleted" if record.is_deleted else "archived" if record.is_archived else "live"
        if state not in states:
            return False
        status = call.request.one("status")
        if record.object != "deal":
            return True
        return self.shown(record)["status"] in (status.split(",") if status else STATUSES[:3])

    def _row(self, record: Record, call: Call) -> dict[str, Any]:
        if record.object.endswith("Field"):
            return record.members
        shown = self.shown(record)
        others = shown.pop("participants", ()) if record.object == "deal" else ()
        if record.object == "deal" and "participants_count" in call.request.one("include_fields"):
            shown["participants_count"] = len({record.members.get("person_id"), *others} - {None})
        return shown

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
        return good({"items": items}, next_cursor=None)

    def search_organizations(self, call: Call) -> Answer:
        """Organizations by their exact name."""
        term = call.request.one("term")
        if not term or call.request.one("exact_match") != "true":
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "term: 1 character at least.", "term", 400)
        found = self.records.find("organization", "name", [term])[: self._limit(call)]
        items = [
            {
                "result_score": 0.29,
                "item": {
                    "id": int(each.id), "type": "organization", "name": each.members["name"], "address": None,
                    "visible_to": 3, "owner": {"id": each.members["owner_id"]}, "custom_fields": [], "notes": [],
                },
            }
            for each in found
        ]  # fmt: skip
        return good({"items": items}, next_cursor=None)

    # --- people ---

    def person(self, call: Call, id: str) -> Answer:
        """One person."""
        record = self.records["person", id]
        if record.is_deleted:
            raise Refused("not_found", "Person not found", status=404)
        return good(self.shown(record))

    def add_person(self, call: Call) -> Answer:
        """A new person; nobody checks whether there is one already."""
        members = self._clean(call.request.json())
        if not members.get("name"):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "name: Required", "name", 400)
        return good(self.shown(self.records.add("person", {**PERSON, **members}, by="api")), 201)

    def change_person(self, call: Call, id: str) -> Answer:
        """Change the members sent; custom fields one by one."""
        before = self.records["person", id]
        if before.is_deleted:
            raise Refused("not_found", "Person not found", status=404)
        members = self._clean(call.request.json())
        if "custom_fields" in members:
            members["custom_fields"] = before.members["custom_fields"] | members["custom_fields"]
        return good(self.shown(self.records.change("person", id, members, by="api")))

    def delete_person(self, call: Call, id: str) -> Answer:
        """Mark a person deleted."""
        if self.records["person", id].is_deleted:
            return good({"id": int(id)}, 410)
        self.records.delete("person", id)
        return good({"id": int(id)})

    def merge_person(self, call: Call, id: str) -> Answer:
        """Merge the person of the path into the one of the body, which lives on."""
        winner = str(call.request.json().get("merge_with_id"))
        return good(self.shown(self.records.merge("person", id, winner)))

    def add_organization(self, call: Call) -> Answer:
        """A new organization; nobody checks whether there is one of that name."""
        members = call.request.json()
        _check_members(members, ORGANIZATION_WRITABLE)
        if not members.get("name"):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "name: Required", "name", 400)
        if not (members.get("address") or {}).keys() <= ADDRESS:
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "address: Unrecognized key", "address", 400)
        return good(self.shown(self.records.add("organization", {**ORGANIZATION, **members}, by="api")), 201)

    def _clean(self, body: dict[str, Any]) -> dict[str, Any]:
        _check_members(body, WRITABLE)
        if body.get("marketing_status", MARKETING[0]) not in MARKETING:
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "marketing_status: Invalid option", "marketing_status", 400)
        organization = self.records.get("organization", str(body["org_id"])) if body.get("org_id") else None
        if body.get("org_id") and (organization is None or organization.is_deleted):
            raise Refused("ERR_BAD_REQUEST", "Organization not found.", "org_id", 400)
        owner = self.records.get("user", str(body["owner_id"])) if "owner_id" in body else None
        if "owner_id" in body and (owner is None or not owner.members.get("active_flag", True)):
            raise Refused("ERR_BAD_REQUEST", "Owner not found.", "owner_id", 400)
        fields = {each.members["field_code"]: each.members for each in self.records.listing("personField", limit=500)}
        for code, value in body.get("custom_fields", {}).items():
            if code not in fields:
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", f"custom_fields.{code}: Unknown", "custom_fields", 400)
            if value is not None and not fits(fields[code], value):
                kind = fields[code]["field_type"]
                message = f"custom_fields.{code}: Invalid value for the field type {kind}"
                raise Refused("ERR_SCHEMA_VALIDATION_FAILED", message, "custom_fields", 400)
        if body.get("name"):
            first, _, last = str(body["name"]).partition(" ")
            body |= {"first_name": first, "last_name": last}
        return body

    def add_lead(self, call: Call) -> Answer:
        """A lead of a person or organization."""
        body = call.request.json()
        if not body.get("title") or not (body.get("person_id") or body.get("organization_id")):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", "A lead needs a title and a person or organization.", "", 400)
        return good(self.shown(self.records.add("lead", {**body, "is_archived": False})), 201)

    # --- deals ---

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
        now, before = time_text(self.records.now()), record.members
        if members.get("stage_id", before["stage_id"]) != before["stage_id"]:
            stage = self.records["stage", str(members["stage_id"])]
            members |= {"stage_change_time": now, "pipeline_id": stage.members["pipeline_id"]}
        status = members.get("status", before["status"])
        if status != before["status"]:
            closed = None if status == "open" else now
            members |= {"close_time": closed, "won_time": None, "lost_time": None}
            members |= {"local_close_date": None, "local_won_date": None, "local_lost_date": None}
            if closed:
                # The account's people live in UTC.
                members |= {
                    f"{status}_time": closed,
                    f"local_{status}_date": closed[:10],
                    "local_close_date": closed[:10],
                }
        return members

    def participants(self, call: Call, id: str) -> Answer:
        """Everybody who takes part in a deal, its own person among them."""
        held = self.records["deal", id].members
        ids = dict.fromkeys([held["person_id"], *held.get("participants", ())])
        rows = [{"id": n, "person_id": {"value": each}} for n, each in enumerate(ids, start=1) if each]
        more = {"start": 0, "limit": 500, "more_items_in_collection": False}
        return good(rows, pagination=more)

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
        return good(call.page(rows), next_cursor=None)


def _check_members(body: Mapping[str, Any], writable: Mapping[str, type]) -> None:
    for name, value in body.items():
        kind = writable.get(name)
        if kind is None:
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", f"{name}: Unrecognized key", name, 400)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise Refused("ERR_SCHEMA_VALIDATION_FAILED", f"{name}: Expected {kind.__name__}", name, 400)


def fits(field: Members, value: Any) -> bool:
    """Whether a custom field takes this JSON: v2 coerces nothing."""
    kind = field["field_type"]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    ids = {each["id"] for each in field.get("options") or ()}
    if kind in ("double", "int"):
        return is_number
    if kind == "enum":
        return value in ids
    if kind == "set":
        return isinstance(value, list) and set(value) <= ids
    if kind == "monetary":
        return isinstance(value, dict) and isinstance(value.get("value"), (int, float)) and bool(value.get("currency"))
    if kind == "address":
        return isinstance(value, dict) and isinstance(value.get("value"), str)
    return isinstance(value, str) and (kind != "date" or len(value) == 10)


def good(data: Any, status: int = 200, **additional: Any) -> Answer:
    """What v1 and v2 answer when all went well."""
    more = {"additional_data": additional} if additional else {}
    return json_answer({"success": True, "data": data, **more}, status)


def time_text(moment: datetime) -> str:
    """A time as v2 writes it."""
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
