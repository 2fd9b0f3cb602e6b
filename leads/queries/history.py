"""Who changed what of a record, when, from what to what, and why that was allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Field

from leads.models import Account, Company, Lead, Opportunity, Role, User
from leads.past.acting import Door
from leads.past.events import Event, Watched
from leads.past.events import events as list_events
from leads.past.steps import Step, Values, Writer, last_known, row_called, steps
from leads.pure.words import MISSING
from leads.queries.history_parts import KINDS, Kind, Part, label
from leads.queries.history_words import Names, Wanted, Wording, pointed_at

DOORS = {
    Door.PAGE: "Page",
    Door.ADMIN: "Admin",
    Door.API: "API",
    Door.IMPORT: "Import",
    Door.CRM: "CRM",
    Door.RULE: "Rule",
    Door.JOB: "Background job",
    Door.COMMAND: "Command",
    Door.MIGRATION: "Upgrade",
    Door.DIRECT: "Direct",
}


@dataclass(frozen=True, slots=True)
class Record:
    """Something with a history. ``is_gone`` when it was deleted: its history stays."""

    kind: Kind
    id: int
    public_id: UUID
    name: str
    is_gone: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a change did to one row: the columns that are told."""

    part: Part
    step: Step
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """A change with all it did to a record, not yet in words."""

    writer: Writer
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What of a history is asked for; what is empty narrows nothing. ``field`` is a part's key and a column
    ("deal.amount_cents"); ``until`` is not included."""

    field: str = ""
    door: str = ""
    person: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who changed something, by the name they had last."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field before and after: in words, and as plain values."""

    key: str
    label: str
    before: str
    after: str
    before_value: Any
    after_value: Any


@dataclass(frozen=True, slots=True)
class RowChange:
    """What became of one row, such as a touch or the lead itself."""

    part: str
    noun: str
    title: str
    verb: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A change in words."""

    change: int
    at: datetime
    door: str
    door_name: str
    person: Person | None
    who: str
    source: str
    because: str
    rows: tuple[RowChange, ...]


def open_record(*, kind: str, public_id: UUID, user: User | None) -> Record | None:
    """The record whose history this person may see; None where there is none for them. No ``user`` sees everything.

    Whoever sees the whole company also sees what was merged or deleted; others see what they own now.
    """
    known = KINDS.get(kind)
    if known is None or (known.is_for_admins and user is not None and not user.has_role(Role.ADMIN)):
        return None
    sees_all = user is None or user.sees_all
    row = row_called(known.model, "public_id", public_id) if sees_all else _own_row(known, public_id, user)
    if row is None:
        return None
    is_gone = not known.model._base_manager.filter(pk=row).exists()
    # What hangs on an account may belong to others.
    parts = known.parts if sees_all or known.model is not Account else known.parts[:1]
    name = Names({known.model: [row]}).name(known.model, row)
    return Record(known, row, public_id, name, is_gone, parts)


def _own_row(kind: Kind, public_id: UUID, user: User | None) -> int | None:
    if user is None or kind.model not in (Lead, Opportunity, Account):
        return None
    rows = Lead.objects.visible_to(user) if kind.model is Lead else kind.model._base_manager.filter(owner=user)
    found: int | None = rows.filter(public_id=public_id).values_list("pk", flat=True).first()
    return found


def events(record: Record, asked: Narrowed | None = None) -> list[Event]:
    """The changes of a record, the newest first, without what they did: one query, and one for a person named.

    Inside a span those known at its moment.
    """
    asked = asked or Narrowed()
    watched = {part.key: each for part in record.parts if (each := _watched(part, asked.field))}
    found = list_events(watched, record.id)
    if asked.person is not None:
        actor = row_called(User, "public_id", asked.person)
        found = [each for each in found if actor is not None and each.actor == actor]
    return [
        each
        for each in found
        if (not asked.door or each.door == asked.door)
        and (not asked.since or each.at >= asked.since)
        and (not asked.until or each.at < asked.until)
    ]


def _watched(part: Part, field: str) -> Watched | None:
    told = tuple(part.fields)
    if not field:
        return Watched(part.model, part.owners, told, is_whole_told=not part.only)
    columns = tuple(column for column in told if f"{part.key}.{column}" == field)
    is_owner = bool(columns) and columns[0] in part.owners and not part.only
    return Watched(part.model, part.owners, columns, is_whole_told=False, is_whole_silent=is_owner) if columns else None


def happenings(record: Record, found: Sequence[Event] | None = None, *, field: str = "") -> list[Happening]:
    """What every change of a record did, or only these, the newest first: one query per table that tells it.

    ``field``: only what became of it. Inside a span those known at its moment.
    """
    told: list[Told] = []
    for part in record.parts:
        only = None if found is None else [each.change for each in found if part.key in each.parts]
        told += _told(part, record.id, only)
    if field:
        told = list(_only(field, told))
    # Stable: within a change the record comes before what hangs on it.
    told.sort(key=lambda each: (each.step.writer.at, each.step.writer.change), reverse=True)
    return [Happening(writer, tuple(found)) for writer, found in groupby(told, key=lambda each: each.step.writer)]


def _told(part: Part, owner: int, changes: Collection[int] | None) -> Iterator[Told]:
    fields = part.fields
    for step in steps(part.model, part.owners, owner, changes):
        is_whole = step.verb != "changed"
        # Whose a row is need not be said of one that was made or deleted: it stands in this history.
        left_out = set(part.owners) if is_whole and not part.only else set()
        columns = tuple(column for column in step.changed() if column in fields and column not in left_out)
        if columns or (is_whole and not part.only):
            yield Told(part, step, columns)


def _only(field: str, told: Iterable[Told]) -> Iterator[Told]:
    for each in told:
        columns = tuple(column for column in each.columns if f"{each.part.key}.{column}" == field)
        if columns:
            yield replace(each, columns=columns)


def people(found: Iterable[Event]) -> list[Person]:
    """Everybody who changed something, by name."""
    actors = {each.actor for each in found if each.actor is not None}
    return sorted(_people(actors).values(), key=lambda person: (person.name, person.id))


def _people(actors: Collection[int]) -> dict[int, Person]:
    known = last_known(User, actors, ("public_id", "name"))
    return {row: Person(values["public_id"], str(values["name"])) for row, values in known.items()}


def field_choices(kind: Kind) -> list[tuple[str, list[tuple[str, str]]]]:
    """Every field that a history of this kind can tell: (table, [(key, label)])."""
    return [
        (part.noun, [(f"{part.key}.{column}", label(column, each)) for column, each in part.fields.items()])
        for part in kind.parts
    ]


# --- in words --------------------------------------------------------------------------------------------------------


def tell(found: Sequence[Happening], *, company: Company) -> list[Entry]:
    """Changes in words; as many queries as there are tables whose names are needed."""
    wording = Wording(company, Names(_names_wanted(found)))
    actors = _people({each.writer.actor for each in found if each.writer.actor is not None})
    return [_entry(each, actors, wording) for each in found]


def _names_wanted(found: Iterable[Happening]) -> Wanted:
    wanted: Wanted = {}
    for told in (told for each in found for told in each.told):
        fields = {str(each.column): each for each in told.part.model._meta.local_concrete_fields}
        for column in {*told.columns, *told.part.named}:
            values = [side[column] for side in (told.step.before, told.step.after) if side is not None]
            for model, ids in pointed_at(fields[column], values).items():
                wanted.setdefault(model, set()).update(ids)
    return wanted


def _entry(happening: Happening, actors: dict[int, Person], wording: Wording) -> Entry:
    writer = happening.writer
    person = actors.get(writer.actor) if writer.actor is not None else None
    door_name = DOORS.get(Door(writer.door), writer.door)
    gone = "" if writer.actor is None else f"Person {writer.actor}"
    return Entry(
        change=writer.change,
        at=writer.at,
        door=writer.door,
        door_name=door_name,
        person=person,
        who=person.name if person else gone or writer.source or "The portal",
        source=writer.source,
        because=writer.because,
        rows=tuple(_row(each, wording) for each in happening.told),
    )


def _row(told: Told, wording: Wording) -> RowChange:
    part, step = told.part, told.step
    fields = {str(each.column): each for each in part.model._meta.local_concrete_fields}
    newest = step.after or step.before
    named = [wording.text(fields[column], newest) for column in part.named]
    words = (" " if part.key == "lead" else " · ").join(text for text in named if text != MISSING)
    return RowChange(
        part=part.key,
        noun=part.noun,
        title=f"{part.noun}: {words}" if words else part.noun,
        # What a migration found had been there before anybody kept versions.
        verb="found" if step.verb == "created" and step.writer.door == Door.MIGRATION else step.verb,
        fields=tuple(
            change for column in told.columns for change in _changes(part, column, fields[column], step, wording)
        ),
    )


def _changes(part: Part, column: str, field: Field[Any, Any], step: Step, wording: Wording) -> Iterator[FieldChange]:
    key, name = f"{part.key}.{column}", label(column, field)
    before, after = _side(step.before, column), _side(step.after, column)
    if isinstance(before or {}, dict) and isinstance(after or {}, dict) and (before or after):
        for inner in {**(before or {}), **(after or {})}:
            old, new = (before or {}).get(inner), (after or {}).get(inner)
            if old != new:
                yield FieldChange(key, f"{name}: {inner}", _text(old), _text(new), old, new)
        return
    yield FieldChange(
        key,
        name,
        wording.text(field, step.before),
        wording.text(field, step.after),
        wording.plain(field, step.before),
        wording.plain(field, step.after),
    )


def _side(values: Values | None, column: str) -> Any:
    return None if values is None else values[column]


def _text(value: Any) -> str:
    return MISSING if value in (None, "") else str(value)
