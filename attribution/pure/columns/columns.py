"""Columns by name, and the codes in them."""

from collections.abc import Mapping

from attribution.pure.columns.ordering import Ints

Columns = Mapping[str, Ints]
OPEN, WON, LOST = 0, 1, 2
STATUSES = ("open", "won", "lost")
"""A deal's status by its code."""
UNKNOWN = -1
