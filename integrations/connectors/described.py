"""What a CRM says of its fields: names, types, lengths, options."""

from dataclasses import dataclass
from typing import Literal

from .records import Kind

FieldType = Literal[
    "text", "number", "money", "date", "datetime", "owner", "stage", "object", "choice", "choices", "boolean", "address"
]


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One field of the CRM that a mapping may name."""

    name: str
    label: str
    type: FieldType
    is_writable: bool = True
    is_required: bool = False
    is_custom: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    """(value, label) of a choice."""
    length: int = 0
    """The most characters of a text; 0 is not told."""
    decimals: int | None = None
    """How many a number keeps; None is not told."""
    is_rounded: bool = False
    """Whether it rounds what has more of them; else it refuses that."""
    coded_by: str = ""
    """The field of options that is written in its stead, such as a country's code."""
    contact_name: str = ""
    """What it is called on the contact that a lead becomes; empty where the contact has none."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one kind."""

    kind: Kind
    fields: tuple[SchemaField, ...]

    def names(self) -> frozenset[str]:
        """The fields' names."""
        return frozenset(each.name for each in self.fields)

    def by_name(self) -> dict[str, SchemaField]:
        """The fields by their name."""
        return {each.name: each for each in self.fields}
