"""A form in which people build conditions: property, operator, value, without a word of JSON.

It works without JavaScript: "Add condition", "Remove" and "Show fields" are buttons that send the form, and the page
comes back with what was typed. With htmx the same happens as soon as a property or an operator is chosen.

    builder = ConditionBuilder(catalog, data=request.POST or None, group=saved)
    if request.method == "POST" and not builder.is_edited and builder.is_valid():
        save(builder.group)
    …{% include "_ui/conditions.html" with builder=builder %}…
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from leads.pure.conditions.grammar import (
    MOST_CONDITIONS,
    Condition,
    Group,
    InvalidConditions,
    Match,
    Value,
    check,
    number,
    placed,
)
from leads.pure.conditions.properties import Catalog, Kind, Operator, Property
from leads.pure.conditions.properties import Operator as Op
from leads.pure.conditions.sentences import plain, sentence
from leads.pure.refused import Refused

LONG_LIST = 8
MATCHES = (("all", "All of these hold"), ("any", "Any of these holds"))
_BARE = (Op.KNOWN, Op.UNKNOWN, Op.FREE_MAIL, Op.COMPANY_MAIL)


@dataclass(slots=True)
class Input:
    """One field of a condition: ``type`` is select, multiple, lines, number, date or text."""

    name: str
    type: str
    label: str
    values: list[str]
    choices: Sequence[tuple[str, str]] = ()
    is_optional: bool = False
    ending: str = ""

    @property
    def value(self) -> str:
        """What one-line fields hold."""
        return self.values[0] if self.values else ""

    @property
    def lines(self) -> str:
        """What fields of one value a line hold."""
        return "\n".join(self.values)

    @property
    def rows(self) -> int:
        """How many lines such a field shows at once."""
        return min(max(len(self.values), 2), LONG_LIST)

    @property
    def size(self) -> int:
        """How many choices a list shows at once."""
        return min(max(len(self.choices), 2), LONG_LIST)


@dataclass(slots=True)
class Row:
    """A condition as it is being edited. ``raw`` holds what was typed, by the name of the field."""

    raw: dict[str, list[str]] = field(default_factory=dict)
    looked_at: Property | None = None
    operator: Operator | None = None
    error: str = ""
    name: str = ""

    @property
    def operators(self) -> list[tuple[str, str]]:
        """The operators to choose from."""
        offered = self.looked_at.operators if self.looked_at else ()
        return [(each.value, self.looked_at.operator_label(each)) for each in offered if self.looked_at]

    def inputs(self) -> list[Input]:
        """The fields that the property and the operator ask for."""
        if self.looked_at is None or self.operator is None:
            return []
        kind, operator = self.looked_at.kind, self.operator
        if kind == Kind.EVENT:
            return self._event_inputs(operator)
        if operator in _BARE:
            return []
        if operator in (Op.LAST_DAYS, Op.OLDER_THAN):
            return [self._input("days", "number", "Days", ending="days")]
        if operator in (Op.AT_LEAST, Op.AT_MOST, Op.BETWEEN, Op.AFTER, Op.BEFORE):
            shape = "date" if kind == Kind.DATE else "number"
            wants_low = operator not in (Op.AT_MOST, Op.BEFORE)
            wants_high = operator not in (Op.AT_LEAST, Op.AFTER)
            both = wants_low and wants_high
            return [
                *([self._input("low", shape, "From" if both else "Value", ending="and" if both else "")] * wants_low),
                *([self._input("high", shape, "To" if both else "Value")] * wants_high),
            ]
        if operator == Op.POSTCODES:
            return [self._input("low", "text", "From", ending="to"), self._input("high", "text", "To")]
        if self.looked_at.choices:
            shape = "select" if kind == Kind.FLAG else "multiple"
            return [self._input("values", shape, "Value", choices=self.looked_at.choices)]
        if operator == Op.LIKE:
            return [self._input("values", "lines", "Patterns, one per line: * is anything, ? one character")]
        return [self._input("values", "lines", "Values, one per line")]

    def _event_inputs(self, operator: Operator) -> list[Input]:
        times = {
            Op.HAPPENED: [self._input("low", "number", "Times", ending="times")],
            Op.NEVER: [],
            Op.AT_MOST: [self._input("high", "number", "Times", ending="times")],
            Op.BETWEEN: [
                self._input("low", "number", "Times from", ending="and"),
                self._input("high", "number", "Times to", ending="times"),
            ],
        }[operator]
        within = self._input("days", "number", "In the last days (empty: ever)", is_optional=True)
        if operator == Op.HAPPENED and not times[0].values:
            times[0].values = ["1"]
        which = [("is", "named"), ("contains", "whose name contains")]
        return [
            *times,
            within,
            self._input("names", "select", "Which", choices=which),
            self._input("values", "lines", "Names, one per line (empty: any)", is_optional=True),
        ]

    def _input(self, name: str, shape: str, label: str, **more: Any) -> Input:
        return Input(f"{self.name}-{name}", shape, label, self.raw.get(name, []), **more)

    def condition(self) -> Condition:
        """What was typed, as a condition. Raises Refused where there is none yet."""
        if self.looked_at is None or self.operator is None:
            raise Refused("Choose a property.")
        asked = {each.name.rpartition("-")[2]: each for each in self.inputs()}
        values: tuple[Value, ...] = ()
        if "values" in asked:
            values = tuple(
                self._number(text) if self.looked_at.kind == Kind.NUMBER else text
                for text in map(str.strip, self.raw.get("values", []))
                if text
            )
        return Condition(
            property=self.looked_at.key,
            operator=self.operator,
            values=values,
            low=self._limit("low", asked),
            high=self._limit("high", asked),
            days=self._days(asked),
            names="contains" if self._one("names") == "contains" and values else "is",
        )

    def _one(self, name: str) -> str:
        return (self.raw.get(name) or [""])[0].strip()

    def _limit(self, name: str, asked: dict[str, Input]) -> Value | None:
        text = self._one(name)
        if name not in asked:
            return None
        if asked[name].type == "number":
            if not text and self.operator == Op.HAPPENED:
                return 1
            return self._number(text) if text else None
        return text or None

    def _days(self, asked: dict[str, Input]) -> int | None:
        text = self._one("days")
        if "days" not in asked or not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 5:
            raise Refused("the number of days is a whole number.")
        return int(text)

    @staticmethod
    def _number(text: str) -> float | str:
        found = number(text)
        if found is None:
            return text  # the check says what is wrong with it
        return int(found) if found == int(found) else found


class ConditionBuilder:
    """Conditions as a form; see the module. ``may_be_empty``: no condition means every lead, which is said as
    ``everything``; ``is_single``: one group, without a button for more."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        data: QueryDict | None = None,
        group: Group | None = None,
        prefix: str = "conditions",
        may_be_empty: bool = False,
        is_single: bool = False,
        everything: str = "every lead",
    ) -> None:
        self.catalog, self.prefix = catalog, prefix
        self.may_be_empty, self.is_single, self.everything = may_be_empty, is_single, everything
        self.match: Match = "all"
        self.groups: list[tuple[Match, list[Row]]] = []
        self.error = ""
        self.is_bound = data is not None and f"{prefix}-shape" in data
        self.is_edited = False
        if data is not None and self.is_bound:
            self._read(data)
            if command := data.get(f"{prefix}-do"):
                self.is_edited = True
                self._do(command)
        else:
            self._show(group or Group())
        if not self.groups:
            self.groups = [("all", [] if may_be_empty else [Row()])]
        self._name()

    def is_valid(self) -> bool:
        """Whether what was typed is whole; problems are then beside their conditions."""
        try:
            group = self._group()
            check(group, self.catalog)
        except InvalidConditions as refused:
            rows = dict(self._placed())
            for problem in refused.problems:
                if row := rows.get(problem.place):
                    row.error = problem.text
                else:
                    self.error = problem.text
            return False
        except Refused as refused:
            self.error = self.error or str(refused)
            return False
        self._built = group
        return True

    @property
    def group(self) -> Group:
        """The conditions, once `is_valid` said so."""
        return self._built

    @property
    def sentence(self) -> str:
        """What is typed so far in words; empty while it is not whole."""
        try:
            group = self._group()
            check(group, self.catalog)
        except Refused:
            return ""
        return sentence(group, self.catalog, everything=self.everything)

    @property
    def shape(self) -> str:
        """How many conditions each group has, for the form to send back."""
        return ",".join(str(len(rows)) for _, rows in self.groups)

    @property
    def matches(self) -> Sequence[tuple[str, str]]:
        return MATCHES

    @property
    def has_groups(self) -> bool:
        return len(self.groups) > 1

    @property
    def may_add(self) -> bool:
        return sum(len(rows) for _, rows in self.groups) < MOST_CONDITIONS

    def _group(self) -> Group:
        built: list[tuple[Match, list[Condition]]] = []
        is_whole = True
        for match, rows in self.groups:
            conditions = []
            for row in rows:
                row.error = ""
                try:
                    conditions.append(row.condition())
                except Refused as refused:
                    row.error = str(refused) if row.looked_at is None else f"{row.looked_at.label}: {refused}"
                    is_whole = False
            built.append((match, conditions))
        if not is_whole:
            raise Refused("Some conditions are not complete.")
        filled = [(match, conditions) for match, conditions in built if conditions]
        if not filled:
            if self.may_be_empty:
                return Group()
            raise Refused("Add at least one condition.")
        if len(filled) == 1:
            match, conditions = filled[0]
            return Group(tuple(conditions), match)
        return Group(tuple(Group(tuple(conditions), match) for match, conditions in filled), self.match)

    def _placed(self) -> list[tuple[tuple[int, int], Row]]:
        filled = [rows for _, rows in self.groups if rows]
        return [((g, n), row) for g, rows in enumerate(filled) for n, row in enumerate(rows)]

    def _show(self, group: Group) -> None:
        rows: dict[int, list[Row]] = {}
        for (place, _), condition in placed(group):
            rows.setdefault(place, []).append(self._row_of(condition))
        inner = [item for item in group.items if isinstance(item, Group)]
        self.match = group.match if inner else "any"
        for place, listed in sorted(rows.items()):
            item = group.items[place] if inner else group
            self.groups.append((item.match if isinstance(item, Group) else "all", listed))

    def _row_of(self, condition: Condition) -> Row:
        raw: dict[str, list[str]] = {
            "values": [plain(each) if isinstance(each, int | float) else each for each in condition.values],
            "names": [condition.names],
        }
        for name in ("low", "high", "days"):
            if (value := getattr(condition, name)) is not None:
                raw[name] = [plain(value) if isinstance(value, int | float) else str(value)]
        return Row(raw, self.catalog.get(condition.property), condition.operator)

    def _read(self, data: QueryDict) -> None:
        sizes = [
            int(each) for each in str(data[f"{self.prefix}-shape"]).split(",") if each.isascii() and each.isdigit()
        ]
        self.match = _match(data.get(f"{self.prefix}-match", "any"))
        for g, size in enumerate(sizes[:MOST_CONDITIONS]):
            rows = [self._row_from(data, f"{self.prefix}-{g}-{n}") for n in range(min(size, MOST_CONDITIONS + 1))]
            self.groups.append((_match(data.get(f"{self.prefix}-{g}-match", "all")), rows))

    def _row_from(self, data: QueryDict, name: str) -> Row:
        chosen = self.catalog.get(data.get(f"{name}-property", ""))
        if chosen is None:
            return Row()
        asked = data.get(f"{name}-operator", "")
        operator = next((each for each in chosen.operators if each.value == asked), chosen.operators[0])
        row = Row({}, chosen, operator)
        # What was typed for another property means nothing for this one.
        if data.get(f"{name}-was", chosen.key) == chosen.key:
            for part in ("low", "high", "days", "names"):
                if text := data.get(f"{name}-{part}"):
                    row.raw[part] = [text]
            values = data.getlist(f"{name}-values")
            row.raw["values"] = values if chosen.choices else [line for each in values for line in each.splitlines()]
        return row

    def _do(self, command: str) -> None:
        verb, *rest = command.split(":")
        places = [int(each) for each in rest if each.isascii() and each.isdigit()]
        if verb == "add" and len(places) == 1 and places[0] < len(self.groups) and self.may_add:
            self.groups[places[0]][1].append(Row())
        elif verb == "add-group" and self.may_add and not self.is_single:
            self.groups.append(("all", [Row()]))
        elif verb == "remove" and len(places) == 2 and places[0] < len(self.groups):
            rows = self.groups[places[0]][1]
            del rows[places[1] : places[1] + 1]
            if not rows and len(self.groups) > 1:
                del self.groups[places[0]]

    def _name(self) -> None:
        for g, (_, rows) in enumerate(self.groups):
            for n, row in enumerate(rows):
                row.name = f"{self.prefix}-{g}-{n}"


def _match(text: str) -> Match:
    return "any" if text == "any" else "all"
