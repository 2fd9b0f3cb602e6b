"""How a file writes its days and amounts, proposed from all its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leads.pure.imports.dates import guess_order
from leads.pure.imports.fields import AMOUNT, DATE, fields_holding
from leads.pure.imports.guess import Guess
from leads.pure.imports.numbers import guess_decimal
from leads.pure.imports.table import Table


@dataclass(frozen=True, slots=True)
class Formats:
    """The order of day and month, and the decimal sign."""

    dates: Guess
    decimal: Guess

    def settled(self) -> dict[str, str]:
        """What needs no answer, by setting."""
        return {name: guess.value for name, guess in self.items() if guess.value}

    def items(self) -> tuple[tuple[str, Guess], ...]:
        """Both, by the name of their setting."""
        return (("dates", self.dates), ("decimal", self.decimal))


def propose_formats(table: Table, kind: str, columns: Mapping[str, str], order: str = "") -> Formats:
    """What the cells of the mapped columns tell; ``order`` of day and month decides where they leave both possible.

    Reads the file once.
    """
    dates = {columns[name] for name in fields_holding(kind, DATE) if columns.get(name) in table.header}
    amounts = {columns[name] for name in fields_holding(kind, AMOUNT) if columns.get(name) in table.header}
    cells = table.columns(dates | amounts)
    told = guess_order(cell for name in sorted(dates) for cell in cells[name])
    if told.is_open and order in told.choices:
        told = Guess(order, example=told.example)
    return Formats(
        told,
        guess_decimal(cell for name in sorted(amounts) for cell in cells[name]),
    )
