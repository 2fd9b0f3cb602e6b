"""The ledger of a restated number: its causes with their rows, what each moved, who made it and through which door.

Plain data, ready to be kept with the restatement. For sums and counts the rows' amounts are the whole difference, to
the cent. A ratio, a median or the split has no amounts by row: its parts have, and each cause says what it alone would
have made of the number; what only their meeting did is the interaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alignment.actions.report.call_change import Cause
from alignment.actions.report.explain_meaning import by_definition
from alignment.actions.report.list_items import Item
from alignment.actions.report.tell_change import Telling
from alignment.actions.report.trace_difference import Difference, Traced
from alignment.models import WeeklyReport
from alignment.pure import ledger, sealing
from alignment.pure.ledger import Move, Number, State
from leads.past.acting import Door
from leads.past.moments import to_micros
from leads.pure import words
from leads.pure.week import days_label, local_date

LISTED = 200
"""So many rows of a cause are kept; of the others their number and their sum."""
NAMED, LONGEST = 2, 300
"""So many kinds of causes are named in a sentence, and so many signs of it kept."""
DOORS: Mapping[str, str] = {
    Door.PAGE: "page",
    Door.ADMIN: "administration",
    Door.API: "API",
    Door.IMPORT: "import",
    Door.CRM: "CRM",
    Door.RULE: "rule",
    Door.JOB: "job",
    Door.COMMAND: "command",
    Door.MIGRATION: "upgrade",
    Door.DIRECT: "database",
}


def explain_difference(
    *, report: WeeklyReport, item: Item, differences: Mapping[str, Difference], now: datetime
) -> dict[str, Any]:
    """The ledger of one number between its publication and now."""
    traced = {entry: _within(differences[entry], item) for entry in item.entries}
    start = _joined({entry: _rows(differences[entry].start, item) for entry in item.entries})
    end = _joined({entry: _rows(differences[entry].end, item) for entry in item.entries})
    causes: dict[Cause, list[tuple[str, Traced]]] = {}
    for entry, some in traced.items():
        for each in some:
            causes.setdefault(each.named.cause, []).append((entry, each))
    made: dict[Hashable, Sequence[Move]] = {
        cause: [_prefixed(entry, each.move) for entry, each in some] for cause, some in causes.items()
    }
    last = item.value(_split(end))
    meaning = next((told.meaning for entry in item.entries if (told := differences[entry]).meaning), None)
    # What the published rows come to by another definition differs already.
    first = item.published if meaning is None else item.value(_split(start))
    found = ledger.effects(start, made, lambda state: item.value(_split(state)), first=first, last=last)
    if item.is_sum:
        exact = {cause: sum(move.amount for move in moves) for cause, moves in made.items()}
        found = ledger.Effects(exact, 0 if found.change is not None else None, found.change)
    if meaning is not None:
        found = by_definition(found, meaning, item.published, first, last)
        if meaning in found.alone:
            causes.setdefault(meaning, [])
    telling = Telling([change for some in causes.values() for _, each in some for change in each.named.changes])
    writer = _Writer(report, item, differences, telling)
    kept: dict[str, Any] = sealing.plain(
        {
            "known_at": now,
            "unit": item.unit,
            "name": item.name,
            "entries": list(item.entries),
            "is_sum": item.is_sum,
            "change": found.change,
            "interaction": found.interaction,
            "parts": [] if item.is_sum else writer.parts(traced, start, end),
            "causes": [
                {
                    "key": cause.key,
                    "words": cause.words,
                    "is_correction": cause.is_correction,
                    "effect": found.alone[cause],
                    **writer.lines(some),
                }
                for cause, some in sorted(causes.items(), key=lambda pair: not pair[0].is_correction)
            ],
        }
    )
    return kept


def is_corrected(kept: Mapping[str, Any]) -> bool:
    """Whether anything was corrected; otherwise the number has only grown older."""
    return any(cause["is_correction"] for cause in kept["causes"])


def sentence(kept: Mapping[str, Any]) -> str:
    """The causes in a sentence: in full where they are few, else how many of which kind and the largest in full."""
    lines = [(cause, line) for cause in kept["causes"] for line in cause["lines"]]
    if not lines and kept["causes"]:
        return _cut(". ".join([*(cause["words"] for cause in kept["causes"]), *filter(None, [kept.get("note")])]))
    if not lines:
        return "The rows are the same; how they are added up is not"
    if len(lines) <= NAMED and not any(cause["more"] for cause in kept["causes"]):
        return _cut("; ".join(f"{cause['words']}: {_line(line)}" for cause, line in lines))
    counted = ", ".join(f"{cause['count']:,} × {_lowered(cause['words'])}" for cause in kept["causes"])
    most = max(lines, key=lambda pair: abs(pair[1]["amount"] or 0))
    return _cut(f"{counted}; most of all: {_line(most[1])}")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _line(line: Mapping[str, Any]) -> str:
    columns = ", ".join(f"{each['before']} → {each['after']}" for each in line["columns"][:1])
    by = f" by {line['by']}" if line["by"] else ""
    door = f" ({line['door']})" if line["door"] else ""
    day = f" on {line['day']}" if line["day"] else ""
    told = " ".join(text for text in (line["row"], columns, f"[{line['amount_text']}]") if text)
    return " ".join(f"{told}{day}{by}{door}".split())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# --- rows of an item -------------------------------------------------------------------------------------------------


def _rows(state: State, item: Item) -> State:
    return item.rows(state)


def _within(difference: Difference, item: Item) -> list[Traced]:
    if item.keeps_group:
        return difference.traced
    found = []
    for each in difference.traced:
        move = ledger.move_within(each.move, item.group)
        if move is not None:
            found.append(Traced(move, each.named, each.at, each.changes))
    return found


def _joined(states: Mapping[str, State]) -> State:
    return {f"{entry}|{part}": rows for entry, state in states.items() for part, rows in state.items()}


def _split(joined: State) -> dict[str, State]:
    found: dict[str, dict[str, Any]] = {}
    for name, rows in joined.items():
        entry, _, part = name.partition("|")
        found.setdefault(entry, {})[part] = rows
    return dict(found)


def _prefixed(entry: str, move: Move) -> Move:
    return Move(f"{entry}|{move.part}", move.key, move.before, move.after)


# --- in words --------------------------------------------------------------------------------------------------------


class _Writer:
    """Puts moves into lines that people can read."""

    def __init__(
        self, report: WeeklyReport, item: Item, differences: Mapping[str, Difference], telling: Telling
    ) -> None:
        self.report, self.item, self.differences, self.telling = report, item, differences, telling
        self.zone = ZoneInfo(report.time_zone)

    def parts(self, traced: Mapping[str, Sequence[Traced]], start: State, end: State) -> list[dict[str, Any]]:
        """Each part that moved, with its sum (or number of rows) then and now."""
        found = []
        for name in [*start, *(name for name in end if name not in start)]:
            entry, _, part = name.partition("|")
            moved = [each.move for each in traced[entry] if each.move.part == part]
            if moved:
                then, now = (
                    sum(_added(kept.amount) for kept in state.get(name, {}).values()) for state in (start, end)
                )
                found.append(
                    {
                        "part": name,
                        "label": self._label(entry, part),
                        "published": then,
                        "current": now,
                        "change": sum(move.amount for move in moved),
                        "published_text": self._amount(entry, part, then, is_signed=False),
                        "current_text": self._amount(entry, part, now, is_signed=False),
                        "change_text": self._amount(entry, part, sum(move.amount for move in moved)),
                    }
                )
        return found

    def lines(self, made: Sequence[tuple[str, Traced]]) -> dict[str, Any]:
        """The moves of one cause, the largest first; those that no amount tells apart in the order of time."""
        ordered = sorted(made, key=lambda pair: (-abs(pair[1].move.amount), pair[1].at or self.report.as_of))
        kept, rest = ordered[:LISTED], ordered[LISTED:]
        sums: Counter[str] = Counter()
        for entry, each in rest:
            sums[f"{entry}|{each.move.part}"] += each.move.amount  # type: ignore[assignment]
        return {
            "count": len({(entry, each.move.key) for entry, each in made}),
            "lines": [self._line(entry, each) for entry, each in kept],
            "more": len(rest),
            "more_amounts": dict(sums),
        }

    def _line(self, entry: str, each: Traced) -> dict[str, Any]:
        move, changes = each.move, each.changes
        row, url = self.differences[entry].cells.get((move.part, move.key), ("", ""))
        return {
            "part": f"{entry}|{move.part}",
            "label": self._label(entry, move.part),
            "key": move.key,
            "what": move.kind,
            "row": row,
            "url": url,
            "amount": move.amount,
            "amount_text": self._amount(entry, move.part, move.amount),
            "columns": [told for changed in each.named.changes for told in self.telling.columns(changed, self.report)],
            "changed": [[changed.model._meta.db_table, changed.pk] for changed in each.named.changes],
            "people": self.telling.people(each.named.changes),
            "at": each.at,
            "day": self._day(each.at),
            "change": changes[0].pk if len(changes) == 1 else None,
            "door": _listed(DOORS.get(change.door, change.door) for change in changes),
            "by": _listed(self.telling.writer(change) for change in changes),
            "because": _listed(change.because for change in changes),
        }

    def _day(self, at: datetime | None) -> str:
        if at is None or to_micros(at) <= 0:
            return ""
        day = local_date(at, self.zone)
        return days_label(day, day + timedelta(days=1))

    def _label(self, entry: str, part: str) -> str:
        about = self.report.content["figures"][entry]
        label = next((each["label"] for each in about["parts"] if each["name"] == part), part)
        return str(label) if len(self.item.entries) == 1 else f"{about['name']}: {label}"

    def _kind(self, entry: str, part: str) -> str:
        difference = self.differences[entry]
        return difference.kinds.get(part, "count")

    def _amount(self, entry: str, part: str, amount: Number, *, is_signed: bool = True) -> str:
        kind = self._kind(entry, part)
        if kind == "money":
            text = words.money_exact(round(amount), self.report.currency)
        elif kind in ("hours", "days", "minutes"):
            text = f"{words.signed(amount, 2) if amount < 0 else f'{amount:,.2f}'} {kind}"
        else:
            text = words.count(amount)
        return f"+{text}" if is_signed and amount > 0 else text


def _listed(texts: Iterable[str]) -> str:
    """Each text once, in order."""
    return ", ".join(dict.fromkeys(text for text in texts if text))


def _added(amount: Any) -> Number:
    return amount if isinstance(amount, int | float) else 0
