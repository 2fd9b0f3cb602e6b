"""One record at a time in Salesforce's REST API, by id or external id, and its lists of what was changed or deleted.

Our connector needs none of these addresses: it writes and reads in batches. They are here for other clients, by which
the sandbox shows that it speaks the dialect.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ...messages import Answer, json_answer
from ...rules import Refused
from ..base import Call
from ..shapes import Duplicate, Record
from .objects import FIELDS, KEY, PREFIXES, Field, field_of, full_id
from .org import Org
from .write import checked, refusal

LOG_LIFE = timedelta(days=30)
NO_CONTENT = Answer(204)


class Rows(Org):
    """Single records; `Salesforce` adds queries and collections."""

    # --- what there is ---

    def describe_all(self, call: Call, version: str) -> Answer:
        """The objects."""
        rows = [
            {"name": name, "label": name, "keyPrefix": PREFIXES[name], "custom": False, "queryable": True,
             "urls": {"sobject": f"/services/data/{version}/sobjects/{name}"}}
            for name in FIELDS
        ]  # fmt: skip
        return json_answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})

    def row(self, call: Call, version: str, sobject: str, id: str) -> Answer:
        """All fields of a living record."""
        return self._all_fields(sobject, self._living(sobject, id))

    def row_by_key(self, call: Call, version: str, sobject: str, field: str, value: str) -> Answer:
        """The same by an external id."""
        found = self.records.find(sobject, self.external_id(sobject, field).name, [value])
        if not found:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return self._all_fields(sobject, found[0])

    def _all_fields(self, sobject: str, record: Record) -> Answer:
        names = [field.name for field in self.engine.fields(sobject, status=404)]
        return json_answer(
            self.engine.shown(sobject, names, list(self.engine.by_ids(sobject, [record.id]).values()))[0]
        )

    def _living(self, sobject: str, record_id: str) -> Record:
        self.engine.fields(sobject, status=404)
        found = self.records.get(sobject, full_id(record_id))
        if found is None:
            raise Refused("NOT_FOUND", "Provided external ID field does not exist or is not accessible", status=404)
        if not found.is_live:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return found

    def external_id(self, sobject: str, name: str) -> Field:
        """A field that records may be written by; refuses others."""
        field = field_of(sobject, name) if sobject in FIELDS else None
        if field is None or "e" not in field.flags or (sobject, field.name) in self.lacks:
            message = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Refused("NOT_FOUND", message, status=404)
        return field

    # --- writing ---

    def create_row(self, call: Call, version: str, sobject: str) -> Answer:
        """A new record."""
        made = self.written(sobject, None, self._sent(call, sobject))
        return json_answer({"id": made.id, "success": True, "errors": []}, 201)

    def change_row(self, call: Call, version: str, sobject: str, id: str) -> Answer:
        """Change the fields sent; answers nothing."""
        self.written(sobject, self._living(sobject, id), self._sent(call, sobject))
        return NO_CONTENT

    def delete_row(self, call: Call, version: str, sobject: str, id: str) -> Answer:
        """To the recycle bin."""
        self.records.delete(sobject, self._living(sobject, id).id)
        return NO_CONTENT

    def upsert_row(self, call: Call, version: str, sobject: str, field: str, value: str) -> Answer:
        """Make or change the record of this external id, whose field the body may not name."""
        key, row = self.external_id(sobject, field).name, self._sent(call, sobject)
        if key.lower() in {name.lower() for name in row}:
            message = f"The {key} field should not be specified in the sobject data."
            raise Refused("INVALID_FIELD", message, status=400)
        record, is_new = self.upserted(sobject, key, row | {key: value}, [value], 0)
        body = {"id": record.id, "success": True, "errors": [], "created": is_new}
        return json_answer(body, 201 if is_new else 200)

    def _sent(self, call: Call, sobject: str) -> dict[str, Any]:
        fields, row = self.engine.fields(sobject, status=404), call.request.json()
        checked(sobject, row, fields)
        return row

    def upserted(
        self, sobject: str, key: str, row: Mapping[str, Any], given: Sequence[str], n: int
    ) -> tuple[Record, bool]:
        """Write row `n` of those with the keys `given`; whether it is new."""
        value = given[n]
        if not value:
            raise refusal("MISSING_ARGUMENT", f"{key} not specified")
        if "id" in {name.lower() for name in row}:
            raise refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert by external id", "Id")
        if given.count(value) > 1:
            raise refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key)
        found = self.records.find(sobject, key, [value])
        before = found[0] if found else None
        return self.written(sobject, before, row), before is None

    def changed(self, row: Mapping[str, Any]) -> Record:
        """Write a row by the id in it."""
        sobject = row["attributes"]["type"]
        record_id = str(row.get("id") or row.get("Id") or "")
        if not re.fullmatch(r"\w{15}(\w{3})?", record_id) or not record_id.startswith(PREFIXES[sobject]):
            raise refusal("MALFORMED_ID", f"{sobject} ID: id value of incorrect type: {record_id[:20]}", "Id")
        before = self.records.get(sobject, full_id(record_id))
        if before is None:
            raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if not before.is_live:
            raise refusal("ENTITY_IS_DELETED", "entity is deleted")
        return self.written(sobject, before, row)

    def written(self, sobject: str, before: Record | None, row: Mapping[str, Any]) -> Record:
        """Write one row over a record or as a new one; an update moves the stamp even where nothing changed."""
        if before is not None and before.members.get("IsConverted"):
            raise refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        members = self.engine.clean(sobject, row, before)
        if before is None and sobject == "Lead":
            self.check_duplicates(members)
        try:
            if before is None:
                return self.records.add(sobject, members, by=self.user_id)
            with self.records.write() as stamp:
                moved = datetime.fromisoformat(stamp)
                return self.records.change(sobject, before.id, members, by=self.user_id, modified=moved)
        except Duplicate as taken:
            message = f"duplicate value found: {KEY} duplicates value on record with id: {taken.id}"
            raise refusal("DUPLICATE_VALUE", message, KEY) from None

    def check_duplicates(self, members: Mapping[str, Any]) -> None:
        """The org's duplicate rule for new leads: one of the same e-mail address blocks them."""
        mail = str(members.get("Email") or "").casefold()
        if self.records.meta("duplicates") != "block" or not mail:
            return
        for kind in ("Lead", "Contact"):
            for each in self.records.find(kind, "Email", [mail]):
                if not each.members.get("IsConverted"):
                    raise refusal("DUPLICATES_DETECTED", "Use one of these records?")

    # --- what changed ---

    def deleted(self, call: Call, version: str, sobject: str) -> Answer:
        """Ids that were deleted in a span of whole minutes."""
        rows, until = self._span(call, sobject)
        told = [{"id": each.id, "deletedDate": _time(each.modified_at)} for each in rows if not each.is_live]
        earliest = _time(self.records.now() - LOG_LIFE)
        return json_answer(
            {"deletedRecords": told, "earliestDateAvailable": earliest, "latestDateCovered": _time(until)}
        )

    def updated(self, call: Call, version: str, sobject: str) -> Answer:
        """Ids that were made or changed in a span of whole minutes."""
        rows, until = self._span(call, sobject)
        return json_answer({"ids": [each.id for each in rows if each.is_live], "latestDateCovered": _time(until)})

    def _span(self, call: Call, sobject: str) -> tuple[Sequence[Record], datetime]:
        self.engine.fields(sobject, status=404)
        try:
            since, until = (
                datetime.fromisoformat(call.request.one(name)).astimezone(UTC).replace(second=0, microsecond=0)
                for name in ("start", "end")
            )
        except ValueError:
            raise Refused("INVALID_REPLICATION_DATE", "start and end are ISO 8601 with an offset", status=400) from None
        if since >= until or since < self.records.now() - LOG_LIFE:
            message = "endDate should be at least 1 minute after startDate, which is within the last 30 days"
            raise Refused("INVALID_REPLICATION_DATE", message, status=400)
        return self.records.page(sobject, since=since, until=until, state="any", limit=1_000_000), until


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
