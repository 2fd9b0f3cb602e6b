"""The shapes of a record store: kinds of records, records, lines of history, the clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ..rules import Refused

State = Literal["live", "archived", "deleted", "any"]
Members = Mapping[str, Any]
Terms = Callable[[Members], Iterable[tuple[str, str]]]


def no_terms(members: Members) -> Iterable[tuple[str, str]]:
    """Nothing to look a record up by but its id."""
    return ()


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A kind of record. `terms(members)` gives the (name, value) pairs that `find` knows it by; those named in `unique`
    belong to one living record only. `tracked` members leave history. `make_id(number)` makes the vendor's id."""

    name: str
    label: str
    terms: Terms = no_terms
    unique: frozenset[str] = frozenset()
    tracked: frozenset[str] = frozenset()
    make_id: Callable[[int], str] = str
    title: tuple[str, ...] = ("name",)
    """The members that people know a record by, for the pages."""
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """One record as stored; `members` is a copy that callers may change."""

    object: str
    id: str
    number: int
    """Position in order of creation; ids made by `make_id` sort alike."""
    members: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    is_archived: bool = False
    is_deleted: bool = False
    merged_into: str | None = None

    @property
    def is_live(self) -> bool:
        """Neither archived nor deleted."""
        return not (self.is_archived or self.is_deleted)


@dataclass(frozen=True, slots=True)
class Line:
    """One change of one tracked member; `old` is None at creation."""

    number: int
    object: str
    id: str
    at: datetime
    by: str
    member: str
    old: Any
    new: Any


@dataclass
class Clock:
    """The CRM's clock: this machine's, shifted by `skew`, or standing still at `frozen`."""

    skew: timedelta = field(default_factory=timedelta)
    frozen: datetime | None = None

    def __call__(self) -> datetime:
        """Now, as this CRM sees it."""
        return self.frozen or datetime.now(UTC) + self.skew


class Duplicate(Refused):
    """A unique member's value belongs to another record, `id`."""

    def __init__(self, name: str, value: str, record_id: str) -> None:
        super().__init__("duplicate", f"{name} {value[:60]!a} is taken by {record_id}.", name, 409)
        self.id = record_id
