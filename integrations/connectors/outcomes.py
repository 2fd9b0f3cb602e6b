"""What goes out to a CRM and what became of it: drafts, and one outcome for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Draft:
    """One record as it should be in the CRM. `key` is our id of it; fields absent are left as they are.

    Not `is_keyed`: the record `remote_id` does not carry our key yet, so it is found by its id and given the key.
    """

    key: str
    fields: Mapping[str, Any]
    remote_id: str | None = None
    is_keyed: bool = True
    is_new: bool = False
    """A person said that it is none of those who are there."""
    if_new: "Rejected | None" = None
    """What to answer instead of making a new record: it lacks what the CRM asks of each. Somebody who is there already
    is adopted and written to all the same."""


@dataclass(frozen=True, slots=True)
class Created:
    """The CRM holds a new record; `left` are the fields of the draft that it has no place for."""

    key: str
    remote_id: str
    left: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Updated:
    """The CRM changed the record it had; `left` are the fields of the draft that it has no place for."""

    key: str
    remote_id: str
    left: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The CRM held all of it already."""

    key: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record in the CRM that may be the one meant, with words by which a person knows it."""

    remote_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definitely not written, and will not be until the data or the mapping changes. `candidates` are records among
    which a person must choose first."""

    key: str
    code: str
    message: str
    field: str = ""
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Definitely not written; worth another try no sooner than `after`."""

    key: str
    reason: str
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps written: look it up (`Connector.find`) before trying again."""

    key: str
    reason: str


Outcome = Created | Updated | Unchanged | Rejected | RetryLater | Unknown
