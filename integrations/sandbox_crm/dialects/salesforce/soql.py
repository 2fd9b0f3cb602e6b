"""The part of SOQL that this sandbox speaks: one object, parent fields, conditions with semi-joins, order, limit.

Anything else is refused as Salesforce refuses what it cannot parse: subqueries, functions, LIKE, relative dates.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ...rules import Refused

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d))
    | (?P<day>\d{4}-\d\d-\d\d)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
OPERATORS = ("=", "!=", "<>", "<", "<=", ">", ">=")
LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Literal:
    """A value and what it was written as: text, moment, day, number, boolean or null."""

    value: Any
    kind: str


@dataclass(frozen=True, slots=True)
class Compare:
    """`field operator value`."""

    field: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class In:
    """`field IN (…)`, by values or by another query's only field."""

    field: str
    values: "tuple[Literal, ...] | Query"
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Conditions joined by AND."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Any_:
    """Conditions joined by OR."""

    parts: "tuple[Condition, ...]"


Condition = Compare | In | All | Any_


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `order` holds (field, is descending)."""

    fields: tuple[str, ...]
    sobject: str
    where: Condition | None
    order: tuple[tuple[str, bool], ...]
    limit: int | None


def parse(soql: str) -> Query:
    """Raises `Refused` with MALFORMED_QUERY."""
    if len(soql) > LONGEST:
        raise malformed("SOQL statements cannot be longer than 100000 characters.")
    parser = _Parser(list(_tokens(soql)))
    query = parser.query()
    parser.end()
    return query


def malformed(message: str) -> Refused:
    """The refusal of what cannot be parsed."""
    return Refused("MALFORMED_QUERY", message, status=400)


def _tokens(soql: str) -> Iterator[tuple[str, str]]:
    place, text = 0, soql.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise malformed(f"unexpected token: {text[place : place + 20].strip()!a}")
        kind = str(found.lastgroup)
        yield kind, found[kind]
        place = found.end()


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at = tokens, 0

    def query(self) -> Query:
        self._word("SELECT")
        fields = [self._name()]
        while self._take(","):
            fields.append(self._name())
        self._word("FROM")
        sobject = self._name()
        where = self._either() if self._take_word("WHERE") else None
        order: list[tuple[str, bool]] = []
        if self._take_word("ORDER"):
            self._word("BY")
            order.append(self._ordered())
            while self._take(","):
                order.append(self._ordered())
        limit = int(self._kind("number")) if self._take_word("LIMIT") else None
        return Query(tuple(fields), sobject, where, tuple(order), limit)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: {self._tokens[self._at][1][:20]!a}")

    def _ordered(self) -> tuple[str, bool]:
        name = self._name()
        if self._take_word("DESC"):
            return name, True
        self._take_word("ASC")
        return name, False

    def _either(self) -> Condition:
        first = self._single()
        word = next((each for each in ("AND", "OR") if self._is_word(each)), "")
        if not word:
            return first
        parts = [first]
        while self._take_word(word):
            parts.append(self._single())
        if self._is_word("AND") or self._is_word("OR"):
            raise malformed("AND and OR need parentheses around one of them.")
        joined = All(tuple(parts)) if word == "AND" else Any_(tuple(parts))
        if isinstance(joined, Any_) and any(isinstance(each, In) and isinstance(each.values, Query) for each in parts):
            raise malformed("Semi join sub-selects are not allowed with the 'OR' operator")
        return joined

    def _single(self) -> Condition:
        if self._take("("):
            inner = self._either()
            self._sign(")")
            return inner
        name = self._name()
        is_not = self._take_word("NOT")
        if is_not or self._is_word("IN"):
            self._word("IN")
            self._sign("(")
            values: tuple[Literal, ...] | Query
            values = self.query() if self._is_word("SELECT") else self._literals()
            self._sign(")")
            if isinstance(values, Query) and (len(values.fields) != 1 or values.order or values.limit is not None):
                raise malformed("The inner select of a semi join has one field, no order and no limit.")
            return In(name, values, is_not)
        operator = self._kind("sign")
        if operator not in OPERATORS:
            raise malformed(f"unexpected token: {operator!a}")
        return Compare(name, "!=" if operator == "<>" else operator, self._literal())

    def _literals(self) -> tuple[Literal, ...]:
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        return tuple(values)

    def _literal(self) -> Literal:
        kind, text = self._next()
        if kind == "text":
            return Literal(_unescaped(text[1:-1]), "text")
        try:
            if kind == "moment":
                return Literal(datetime.fromisoformat(text), kind)
            if kind == "day":
                return Literal(date.fromisoformat(text), kind)
        except ValueError:
            raise malformed(f"unexpected token: {text!a}") from None
        if kind == "number":
            return Literal(float(text), kind)
        words: dict[str, Literal] = {
            "true": Literal(True, "boolean"), "false": Literal(False, "boolean"), "null": Literal(None, "null"),
        }  # fmt: skip
        if kind == "name" and text.lower() in words:
            return words[text.lower()]
        raise malformed(f"unexpected token: {text[:20]!a}")

    # --- tokens ---

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise malformed("unexpected token: <EOF>")
        self._at += 1
        return self._tokens[self._at - 1]

    def _kind(self, wanted: str) -> str:
        kind, text = self._next()
        if kind != wanted:
            raise malformed(f"unexpected token: {text[:20]!a}")
        return text

    def _name(self) -> str:
        return self._kind("name")

    def _sign(self, wanted: str) -> None:
        if self._kind("sign") != wanted:
            raise malformed(f"expecting {wanted!a}")

    def _word(self, wanted: str) -> None:
        if self._kind("name").upper() != wanted:
            raise malformed(f"expecting {wanted}")

    def _is_word(self, wanted: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1].upper() == wanted

    def _take_word(self, wanted: str) -> bool:
        is_next = self._is_word(wanted)
        self._at += is_next
        return is_next

    def _take(self, wanted: str) -> bool:
        is_next = self._at < len(self._tokens) and self._tokens[self._at] == ("sign", wanted)
        self._at += is_next
        return is_next


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2].lower() not in _ESCAPES and found[2] not in _ESCAPES:
            raise malformed(f"Illegal escape sequence \\{found[2]}")
        return _ESCAPES.get(found[2]) or _ESCAPES[found[2].lower()]

    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|(.))", one, text, flags=re.DOTALL)
