"""Filters of lists in the administration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AllValuesFieldListFilter


class ValuesListFilter(AllValuesFieldListFilter):
    """The values a text field holds; the empty one has a name, since a link without a text cannot be followed."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "Not set"}
