"""Running parsed SOQL over the record store: what a row holds, which rows match, in which order, and how they show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ...rules import Refused
from ..records import Records
from ..shapes import Line, Members, Record
from .objects import FIELDS, Field, full_id, make_id
from .soql import All, Any_, Compare, Condition, In, Literal, Query, malformed
from .write import cleaned

Row = dict[str, Any]
BIN_DAYS = timedelta(days=15)
HISTORY = "OpportunityHistory"


class Engine:
    """Answers queries. `stages()` gives the stages by name, `lacks` names (object, field) that this org has not."""

    def __init__(self, records: Records, stages: Callable[[], dict[str, Members]], lacks: set[tuple[str, str]]) -> None:
        self._records, self._stages, self._lacks = records, stages, lacks

    # --- what there is ---

    def fields(self, sobject: str, *, status: int = 400) -> tuple[Field, ...]:
        """The object's fields; objects and fields of currencies exist in orgs of several currencies only."""
        is_single = self._records.meta("currencies") == "single"
        if sobject not in FIELDS or (is_single and sobject == "CurrencyType"):
            if status == 404:
                raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
            raise Refused("INVALID_TYPE", f"sObject type '{sobject}' is not supported.", status=status)
        lacks = self._lacks | ({(sobject, "CurrencyIsoCode")} if is_single else set())
        has_lists = self._records.meta("places") == "picklists"
        found = (field for field in FIELDS[sobject] if has_lists or not field.is_of_picklists)
        required = set(self._records.meta("required").split())
        return tuple(
            replace(field, flags=f"{field.flags}r") if f"{sobject}.{field.name}" in required else field
            for field in found
            if (sobject, field.name) not in lacks
        )

    def clean(self, sobject: str, row: Mapping[str, Any], before: Record | None) -> dict[str, Any]:
        """The members to store of a row that somebody wrote."""
        return cleaned(sobject, row, before, self.fields(sobject), self._records)

    def _field(self, sobject: str, path: str) -> tuple[tuple[Field, ...], Field]:
        """The references on the way and the last field of `Contact.Portal_Id__c`."""
        *relations, name = path.split(".")
        way: list[Field] = []
        for relation in relations:
            found = next((f for f in self.fields(sobject) if f.relationship.lower() == relation.lower() != ""), None)
            if found is None:
                raise Refused(
                    "INVALID_FIELD", f"Didn't understand relationship '{relation}' in field path.", status=400
                )
            way.append(found)
            sobject = found.parent
        field = next((f for f in self.fields(sobject) if f.name.lower() == name.lower()), None)
        if field is None:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on entity '{sobject}'.", status=400)
        return tuple(way), field

    # --- running ---

    def run(self, query: Query, *, everything: bool) -> list[Row]:
        """The rows found, in order."""
        for path in (*query.fields, *(name for name, _ in query.order)):
            self._field(query.sobject, path)
        matches = self._matcher(query.sobject, query.where, everything) if query.where else lambda row: True
        rows = [row for row in self._candidates(query.sobject, query.where, everything) if matches(row)]
        for name, is_descending in reversed(query.order):
            _, field = self._field(query.sobject, name)
            rows.sort(key=lambda row, n=field.name: (row.get(n) is not None, row.get(n)), reverse=is_descending)  # type: ignore[misc]
        return rows if query.limit is None else rows[: query.limit]

    def by_ids(self, sobject: str, ids: Sequence[str]) -> dict[str, Row]:
        """Rows as they are now, of any state."""
        if sobject == HISTORY:
            return {row["Id"]: row for row in self._history(self._all("Opportunity")) if row["Id"] in set(ids)}
        return {row["Id"]: row for row in self._filled(sobject, self._records.many(sobject, ids).values())}

    def _candidates(self, sobject: str, where: Condition | None, everything: bool) -> list[Row]:
        """Rows that may match: by id or an indexed field where the conditions name one, by stamp, or all."""
        parts = where.parts if isinstance(where, All) else (where,) if where is not None else ()
        lists = {p.field: [full_id(str(v.value)) if p.field.endswith("Id") else str(v.value) for v in p.values]
                 for p in parts if isinstance(p, In) and not p.is_not and isinstance(p.values, tuple)}  # fmt: skip
        lists |= {p.field: [full_id(str(p.value.value)) if p.field.endswith("Id") else str(p.value.value)]
                  for p in parts
                  if isinstance(p, Compare) and p.operator == "=" and p.value.kind == "text"}  # fmt: skip
        if sobject == HISTORY:
            ids = lists.get("OpportunityId")
            deals = self._records.many("Opportunity", ids).values() if ids else self._all("Opportunity")
            return self._history([deal for deal in deals if self._is_seen(deal, everything)])
        found: Iterable[Record]
        indexed = next((name for name in lists if name in self._indexed(sobject)), None)
        if "Id" in lists:
            found = self._records.many(sobject, lists["Id"]).values()
        elif indexed:
            found = self._records.find(sobject, indexed, lists[indexed], state="any")
        else:
            low, high = _bounds(parts)
            found = self._records.page(sobject, since=low, until=high, state="any", limit=1_000_000)
        return self._filled(sobject, [record for record in found if self._is_seen(record, everything)])

    def _indexed(self, sobject: str) -> set[str]:
        return {name for name, _ in self._records.types[sobject].terms(_Everything())}

    def _all(self, sobject: str) -> list[Record]:
        return self._records.listing(sobject, state="any", limit=1_000_000)

    def _is_seen(self, record: Record, everything: bool) -> bool:
        if record.is_live:
            return True
        return everything and record.modified_at > self._records.now() - BIN_DAYS

    # --- rows ---

    def _filled(self, sobject: str, records: Iterable[Record]) -> list[Row]:
        found = list(records)
        rows = [
            dict(record.members)
            | {
                "Id": record.id,
                "IsDeleted": not record.is_live,
                "CreatedDate": record.created_at,
                "CreatedById": make_id("User", 1),
                "LastModifiedDate": record.modified_at,
                "SystemModstamp": record.modified_at,
                "MasterRecordId": record.merged_into,
            }
            for record in found
        ]
        if sobject == "Opportunity":
            self._fill_deals(rows)
        elif sobject == "CampaignMember":
            for row in rows:
                row["HasResponded"] = row.get("Status") == "Responded"
        elif sobject == "Task":
            for row in rows:
                row["IsClosed"] = row.get("Status") == "Completed"
        elif sobject == "Event":
            for row in rows:
                row["IsChild"], row["IsAllDayEvent"] = bool(row.get("IsChild")), bool(row.get("IsAllDayEvent"))
        elif sobject == "Lead":
            for row in rows:
                row["IsConverted"] = bool(row.get("IsConverted"))
        return rows

    def _fill_deals(self, rows: list[Row]) -> None:
        stages = self._stages()
        lines = self._records.history("Opportunity", [row["Id"] for row in rows], ["StageName"])
        moved = {line.id: line.at for line in lines}
        for row in rows:
            stage = stages.get(row["StageName"], {})
            row["IsClosed"], row["IsWon"] = bool(stage.get("IsClosed")), bool(stage.get("IsWon"))
            row["Probability"] = stage.get("DefaultProbability")
            row["LastStageChangeDate"] = moved.get(row["Id"])

    def _history(self, deals: Iterable[Record]) -> list[Row]:
        """A row at creation and after each write that moved stage, amount or close date. The lines of one write come in
        the order of their names."""
        lines, currencies = list[Line](), dict[str, list[Line]]()
        for line in self._records.history("Opportunity", [deal.id for deal in deals]):
            # Another currency makes no row of its own; the rows after it bear it.
            own = currencies.setdefault(line.id, []) if line.member == "CurrencyIsoCode" else lines
            own.append(line)
        stages, rows = self._stages(), list[Row]()
        before: Line | None = None
        state: Row = {}
        for line in lines:
            is_new_deal = before is None or line.id != before.id
            if is_new_deal:
                state = {}
            is_new_write = is_new_deal or (
                before is not None and (line.at != before.at or line.member <= before.member)
            )
            state[line.member] = line.new
            if is_new_write:
                rows.append({})
            rows[-1] |= {
                "Id": rows[-1].get("Id") or make_id(HISTORY, line.number),
                "OpportunityId": line.id, "CreatedDate": line.at, "CreatedById": line.by or make_id("User", 1),
                "SystemModstamp": line.at, "IsDeleted": False, "StageName": state.get("StageName"),
                "Amount": state.get("Amount"), "CloseDate": state.get("CloseDate"),
                "CurrencyIsoCode": _told_by(line, currencies.get(line.id, [])),
                "Probability": stages.get(state.get("StageName") or "", {}).get("DefaultProbability"),
            }  # fmt: skip
            before = line
        return rows

    # --- conditions ---

    def _matcher(self, sobject: str, where: Condition, everything: bool) -> Callable[[Row], bool]:
        if isinstance(where, (All, Any_)):
            parts = [self._matcher(sobject, part, everything) for part in where.parts]
            join = all if isinstance(where, All) else any
            return lambda row: join(part(row) for part in parts)
        way, field = self._field(sobject, where.field)
        if way:
            raise malformed("This sandbox filters by the object's own fields only.")
        if isinstance(where, In):
            wanted = self._wanted(field, where, everything)
            return lambda row: (_folded(row.get(field.name)) in wanted) is not where.is_not
        value = _typed(field, where.value)
        return _comparison(field.name, where.operator, value)

    def _wanted(self, field: Field, where: In, everything: bool) -> set[Any]:
        if isinstance(where.values, tuple):
            return {_folded(_typed(field, each)) for each in where.values}
        inner = where.values
        _, chosen = self._field(inner.sobject, inner.fields[0])
        if chosen.type not in ("id", "reference") or field.type not in ("id", "reference"):
            raise malformed("The select of a semi join names an id on both sides.")
        return {_folded(row.get(chosen.name)) for row in self.run(inner, everything=everything)} - {None}

    # --- showing ---

    def shown(self, sobject: str, paths: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as JSON, with `attributes`; parents are read once for all."""
        chosen = [(path, *self._field(sobject, path)) for path in paths]
        parents: dict[str, dict[str, Row]] = {}
        for relation in {way[0].name: way[0] for _, way, _ in chosen if way}.values():
            ids = sorted({row[relation.name] for row in rows if row.get(relation.name)})
            parents[relation.name] = self.by_ids(relation.parent, ids)
        shown = []
        for row in rows:
            out: dict[str, Any] = {"attributes": _attributes(sobject, row)}
            for path, way, field in chosen:
                if not way:
                    out[field.name] = _json(field, row.get(field.name))
                    continue
                if len(way) > 1:
                    raise malformed(f"This sandbox knows one parent only: {path}")
                parent = parents[way[0].name].get(row.get(way[0].name) or "")
                if parent is None:
                    out[way[0].relationship] = None
                    continue
                inner = out.setdefault(way[0].relationship, {"attributes": _attributes(way[0].parent, parent)})
                inner[field.name] = _json(field, parent.get(field.name))
            shown.append(out)
        return shown


def _told_by(line: Line, others: Sequence[Line]) -> Any:
    """What the other member was after this line's write, whose lines follow each other."""
    known = [
        each for each in others if each.number <= line.number or (each.at, each.number) == (line.at, line.number + 1)
    ]
    return known[-1].new if known else None


class _Everything(dict[str, Any]):
    """Members that hold something under every name, to learn which ones are indexed."""

    def get(self, name: str, default: Any = None) -> Any:
        return "x"

    def __getitem__(self, name: str) -> Any:
        return "x"


def _bounds(parts: Sequence[Any]) -> tuple[datetime | None, datetime | None]:
    """The stamps that the conditions allow at most."""
    low: datetime | None = None
    high: datetime | None = None
    for part in parts:
        if isinstance(part, Compare) and part.field == "SystemModstamp" and part.value.kind == "moment":
            if part.operator in (">", ">="):
                low = part.value.value
            elif part.operator == "<":
                high = part.value.value
    return low, high


def _typed(field: Field, literal: Literal) -> Any:
    if literal.kind == "null":
        return None
    wanted = {
        "datetime": "moment", "date": "day", "boolean": "boolean", "int": "number", "double": "number",
        "currency": "number", "percent": "number",
    }.get(field.type, "text")  # fmt: skip
    if literal.kind != wanted:
        words = "and should not be enclosed in quotes" if literal.kind == "text" else "and should be enclosed in quotes"
        message = f"value of filter criterion for field '{field.name}' must be of type {field.type} {words}"
        raise Refused("INVALID_FIELD", message, status=400)
    if field.type in ("id", "reference") and len(literal.value) not in (15, 18):
        raise Refused("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value[:40]}", status=400)
    if field.type in ("id", "reference"):
        return full_id(literal.value)
    return literal.value


def _folded(value: Any) -> Any:
    """Text compares without regard to case; so do ids here, whose last three characters say it."""
    return value.casefold() if isinstance(value, str) else value


def _comparison(name: str, operator: str, value: Any) -> Callable[[Row], bool]:
    def compare(row: Row) -> bool:
        held = _folded(row.get(name))
        if isinstance(value, date) and not isinstance(value, datetime) and isinstance(held, str):
            held = date.fromisoformat(held)
        wanted = _folded(value)
        if operator in ("=", "!="):
            return (held == wanted) is (operator == "=")
        if held is None or wanted is None:
            return False
        results: dict[str, bool] = {
            "<": held < wanted, "<=": held <= wanted, ">": held > wanted, ">=": held >= wanted,
        }  # fmt: skip
        return results[operator]

    return compare


def _attributes(sobject: str, row: Row) -> dict[str, str]:
    return {"type": sobject, "url": f"/services/data/v68.0/sobjects/{sobject}/{row['Id']}"}


def _json(field: Field, value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"
    if value is None and field.type == "boolean":
        return False
    if isinstance(value, str) and field.type in ("currency", "percent", "double"):
        return float(value)
    return value
