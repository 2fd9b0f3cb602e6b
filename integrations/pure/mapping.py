"""Field mapping between a lead or opportunity of ours and a person or deal of a CRM.

A rule names a field on each side, the direction it may travel and who wins when both sides hold something. Records are
plain mappings on both sides, so the same code serves the push, the pull and the dry run's diff.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

Fields = Mapping[str, Any]


class Direction(StrEnum):
    """Which way a field may travel."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"


class Policy(StrEnum):
    """Who wins when both sides hold a value: ours, theirs, the side changed last (ties: ours), or whoever was first."""

    OURS = "ours"
    THEIRS = "theirs"
    NEWEST = "newest"
    FILL_EMPTY = "fill_empty"


class MappingError(ValueError):
    """A value or a setting that cannot be carried over; `field` is the name on our side."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One pair of fields. `remote` may be dotted (`properties.lead_score`) for one level of nesting. `values` are pairs
    of a value of ours and what it is called in the CRM."""

    local: str
    remote: str
    direction: Direction = Direction.PUSH
    policy: Policy = Policy.OURS
    values: tuple[tuple[str, str], ...] = ()


class Money(NamedTuple):
    """An amount of money; the currency is empty where nobody told it."""

    amount: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{format(self.amount, 'f')} {self.currency}".strip()


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a push or pull would write, as the dry run shows it."""

    field: str
    before: Any
    after: Any


def _push(*names: str) -> tuple[FieldRule, ...]:
    return tuple(FieldRule(name, name) for name in names)


PERSON_RULES: tuple[FieldRule, ...] = (
    *_push("email", "first_name", "last_name", "company", "job_title", "phone", "country", "region"),
    *_push("postal_code", "industry", "company_size", "owner_id"),
    FieldRule("stage", "properties.lead_stage"),
    FieldRule("score", "properties.lead_score"),
    FieldRule("channel", "properties.lead_channel"),
    FieldRule("campaign", "properties.lead_campaign"),
)

DEAL_RULES: tuple[FieldRule, ...] = tuple(
    FieldRule(local, remote, Direction.PULL, Policy.THEIRS)
    for local, remote in (
        ("name", "name"),
        ("stage", "stage"),
        ("status", "status"),
        ("amount_cents", "amount"),
        ("currency", "currency"),
        ("expected_close_on", "close_on"),
        ("closed_at", "closed_at"),
        ("lost_reason", "lost_reason"),
        ("owner_id", "owner_id"),
    )
)


def for_born_there(rules: Iterable[FieldRule]) -> tuple[FieldRule, ...]:
    """The rules for a person whom the CRM had first: who owns them is said there until somebody changes it here."""
    return tuple(
        replace(rule, direction=Direction.BOTH, policy=Policy.NEWEST)
        if rule.local == "owner_id" and rule.direction is Direction.PUSH
        else rule
        for rule in rules
    )


def person_fields(
    lead: Fields,
    rules: Iterable[FieldRule] = PERSON_RULES,
    *,
    theirs: Fields | None = None,
    ours_at: datetime | None = None,
    theirs_at: datetime | None = None,
    fit: Callable[[FieldRule, Any], tuple[str, Any] | None] | None = None,
) -> dict[str, Any]:
    """What a push should send of a lead: remote names, nested; None becomes empty text or stays null for numbers.

    `lead` holds our names, `owner_id` and the like already in the CRM's ids. A rule whose local name is absent is
    skipped. With `theirs`, the CRM's present fields, fields that its policy leaves to the CRM are not sent. `fit` gives
    the name and value under which the CRM takes one, None to leave it out.
    """
    sent: dict[str, Any] = {}
    for rule in rules:
        if rule.direction is Direction.PULL or rule.local not in lead:
            continue
        name, value = rule.remote, _plain(rule.local, lead[rule.local])
        if fit is not None:
            fitted = fit(rule, value)
            if fitted is None:
                continue
            name, value = fitted
        if theirs is not None and not _ours_wins(rule, value, get_field(theirs, rule.remote), ours_at, theirs_at):
            continue
        _put(sent, name, value)
    return sent


def opportunity_fields(
    deal: Fields,
    rules: Iterable[FieldRule] = DEAL_RULES,
    *,
    stages: Mapping[str, str],
    ours: Fields | None = None,
    ours_at: datetime | None = None,
    theirs_at: datetime | None = None,
    tz: tzinfo = UTC,
) -> dict[str, Any]:
    """What a pull should write of a deal: our names; with `ours`, only the fields that differ and are theirs to set.

    `stages` maps the CRM's stage keys to ours; an unmapped stage raises `MappingError`, since a deal
    in a made-up stage would falsify every conversion. Money arrives as decimal `amount` and leaves as `amount_cents`.
    `tz` is the zone that days are reported in.
    """
    read = dict(deal) | {"stage": _stage(deal, stages), "closed_at": closing_moment(deal, tz)}
    read["amount"] = cents(deal.get("amount"))
    written: dict[str, Any] = {}
    for rule in rules:
        if rule.direction is Direction.PUSH or not has_field(read, rule.remote):
            continue
        value = get_field(read, rule.remote)
        present = None if ours is None else ours.get(rule.local)
        if ours is not None and (
            value == present or _ours_wins(rule, present, value, ours_at, theirs_at, is_pull=True)
        ):
            continue
        written[rule.local] = value
    return written


def changes(before: Fields, after: Fields) -> list[Change]:
    """The fields of `after` that differ from `before`, one level of nesting flattened, by name."""
    old, new = _flat(before), _flat(after)
    return [Change(name, old.get(name), value) for name, value in sorted(new.items()) if old.get(name) != value]


def content_hash(fields: Fields) -> str:
    """SHA-256 (hex) of a draft's fields, the same in every process and for every order of the members.

    Text is compared as it is, numbers by value (1, 1.0 and Decimal("1.00") agree), times in UTC.
    """
    text = json.dumps(_stable(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def cents(amount: Any) -> int | None:
    """Decimal money to hundredths of the currency unit, exactly; finer amounts raise `MappingError`."""
    if amount is None or amount == "":
        return None
    try:
        scaled = Decimal(str(amount)) * 100
        whole = int(scaled)
    except (ArithmeticError, ValueError):
        raise MappingError("amount_cents", "not a decimal number") from None
    if scaled != whole:
        raise MappingError("amount_cents", "finer than a hundredth of the currency unit")
    return whole


def closing_moment(deal: Fields, tz: tzinfo = UTC) -> datetime | None:
    """When a deal closed; None while open.

    The close *date* is what people enter and report on, so it rules. The moment of the click only refines it: it is
    kept where it falls on that date in the zone that days are reported in, else noon of the date there is used.
    """
    if deal.get("status", "open") == "open":
        return None
    on, clicked = deal.get("close_on"), deal.get("closed_at")
    if not isinstance(on, date):
        return clicked if isinstance(clicked, datetime) else None
    if isinstance(clicked, datetime) and clicked.astimezone(tz).date() == on:
        return clicked
    return datetime.combine(on, time(12), tz).astimezone(UTC)


def _stage(deal: Fields, stages: Mapping[str, str]) -> str:
    key = str(deal.get("stage"))
    if key not in stages:
        raise MappingError("stage", f"the CRM's stage {key!a} is not mapped")
    return stages[key]


def _ours_wins(
    rule: FieldRule,
    ours: Any,
    theirs: Any,
    ours_at: datetime | None,
    theirs_at: datetime | None,
    *,
    is_pull: bool = False,
) -> bool:
    if rule.direction is not Direction.BOTH and rule.policy is not Policy.FILL_EMPTY:
        return not is_pull  # a one-way field has one source
    decide: dict[Policy, Callable[[], bool]] = {
        Policy.OURS: lambda: not (is_pull and _is_empty(ours)),
        Policy.THEIRS: lambda: not is_pull and _is_empty(theirs),
        Policy.NEWEST: lambda: theirs_at is None or (ours_at is not None and ours_at >= theirs_at),
        Policy.FILL_EMPTY: lambda: not _is_empty(ours) if is_pull else _is_empty(theirs),
    }
    return decide[rule.policy]()


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def _plain(field: str, value: Any) -> Any:
    if value is None and field not in ("company_size", "score"):
        return ""
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def overlapping(names: Iterable[str]) -> str | None:
    """A remote name that stands for a whole of which another names a part, such as `properties` beside
    `properties.score`: the two cannot be sent in one record."""
    given = list(names)
    outer = {name.partition(".")[0] for name in given if "." in name}
    return next((name for name in given if name in outer), None)


def get_field(fields: Fields, name: str) -> Any:
    """The value under a remote name, perhaps dotted; None where there is none."""
    if name in fields:
        return fields[name]
    outer, _, inner = name.partition(".")
    value = fields.get(outer)
    return (value or {}).get(inner) if inner else value


def has_field(fields: Fields, name: str) -> bool:
    """Whether the record says anything under a remote name."""
    if name in fields:
        return True
    outer, _, inner = name.partition(".")
    return outer in fields and (not inner or inner in (fields[outer] or {}))


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if inner:
        fields.setdefault(outer, {})[inner] = value
    else:
        fields[outer] = value


def _flat(fields: Fields) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _stable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _stable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stable(each) for each in value]
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        # Marked, so that the number 1 and the text "1" differ.
        return {"number": format(Decimal(str(value)).normalize(), "f")}
    if isinstance(value, datetime):
        return {"time": value.astimezone(UTC).isoformat()}
    return value.isoformat() if isinstance(value, date) else value
