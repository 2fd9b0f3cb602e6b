"""The leads that a list's address asks for: filtered, sorted, with what its columns need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from leads.filters.search import LeadPageFilter
from leads.models import Lead
from leads.pure.words import MISSING
from leads.queries.lead import by_next_step
from leads.queries.next_step import next_step
from leads.views.doors import SignedInRequest
from leads.views.listings import only

SORTS = {
    "name": ("last_name", "first_name", "pk"),
    "company": ("company", "pk"),
    "score": ("score", "pk"),
    "stage": ("stage", "pk"),
    "captured": ("captured_at", "pk"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: words, or a moment; a tone makes it a pill."""

    text: Any = ""
    tone: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a list: ``value`` gives the cell, ``sort`` is the key of its order."""

    key: str
    label: str
    value: Callable[[Any, datetime], Cell]
    sort: str = ""
    is_number: bool = False
    is_wide: bool = False
    is_usual: bool = True


def _plain(name: str) -> Callable[[Any, datetime], Cell]:
    return lambda lead, at: Cell(getattr(lead, name) or MISSING)


COLUMNS: Sequence[ListColumn] = (
    ListColumn("step", "Next step", lambda lead, at: Cell(*next_step(lead, at)), is_wide=True),
    ListColumn("score", "Score", lambda lead, at: Cell(lead.score), "score", is_number=True),
    ListColumn("stage", "Stage", lambda lead, at: Cell(lead.get_stage_display()), "stage"),
    ListColumn("owner", "Owner", lambda lead, at: Cell(lead.owned_by or "nobody")),
    ListColumn("channel", "First channel", _plain("channel")),
    ListColumn("created", "Created", lambda lead, at: Cell(at=lead.captured_at), "captured"),
    ListColumn("company", "Company", _plain("company"), "company", is_usual=False),
    ListColumn("title", "Job title", _plain("job_title"), is_usual=False),
    ListColumn("email", "Email", _plain("email"), is_usual=False),
    ListColumn("phone", "Phone", _plain("phone"), is_usual=False),
    ListColumn("country", "Country", _plain("country"), is_usual=False),
    ListColumn("industry", "Industry", _plain("industry"), is_usual=False),
    ListColumn("size", "Company size", _plain("company_size"), is_number=True, is_usual=False),
    ListColumn("territory", "Territory", _plain("territory"), is_usual=False),
    ListColumn("campaign", "First campaign", _plain("campaign"), is_usual=False),
)


def chosen_columns(query: QueryDict, *, is_own: bool) -> list[ListColumn]:
    """The columns that an address names, in their own order; the usual ones without any. ``cols`` may be repeated."""
    wanted = {key for value in query.getlist("cols") for key in value.split(",")}
    found = [column for column in COLUMNS if column.key in wanted]
    return found or [each for each in COLUMNS if each.is_usual and not (is_own and each.key == "owner")]


def lead_rows(request: SignedInRequest, query: QueryDict, at: datetime) -> tuple[LeadPageFilter, QuerySet[Lead]]:
    """The filters of an address, and the leads that the person may see of those it asks for, in its order."""
    filters = LeadPageFilter(query, queryset=only(Lead.objects.visible_to(request.user), query), request=request)
    if not filters.form.is_valid():
        return filters, Lead.objects.none()
    rows = by_next_step(filters.qs, at).select_related("owner", "territory", "channel", "campaign")
    sort = query.get("sort", "")
    if fields := SORTS.get(sort.removeprefix("-")):
        sign = "-" if sort.startswith("-") else ""
        rows = rows.order_by(*(sign + field for field in fields))
    return filters, rows
