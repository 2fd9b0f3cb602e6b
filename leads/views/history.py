"""The history of a record: who changed what, when, from what to what, through which door and with which right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from leads.forms.history import HistoryForm
from leads.models import Company
from leads.past.events import Event
from leads.queries.history import Entry, Narrowed, Record, events, happenings, open_record, people, tell
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.history_file import csv_file, xlsx_file

PAGE_SIZE = 15
MOST_ROWS = 20
"""Rows of a change that are shown; a file of costs has hundreds, which the export lists."""
OPEN_FIELDS, OPEN_ROWS = 6, 3
"""A row that was added or deleted folds its fields away when they are more, or one of more rows of the change."""
BEFORE_HISTORY = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment of what an installation was made with."""
ADDRESSES = {
    "lead": "leads:lead-detail",
    "deal": "leads:opportunity-detail",
    # Other apps show campaigns, chat channels and endpoints, where they are installed; we only know their addresses.
    "campaign": "attribution:campaign",
    "campaign-costs": "leads:campaign-costs",
    "chat-channel": "integrations:chat-destination",
    "webhook-endpoint": "integrations:webhook-endpoint",
}
_ICONS = {
    "page": "person",
    "admin": "gear",
    "api": "plug",
    "import": "upload",
    "crm": "arrow-repeat",
    "rule": "list-check",
    "job": "clock-history",
    "command": "gear",
    "migration": "gear",
}


@login_required
@require_GET
def history(request: SignedInRequest, kind: str, public_id: UUID) -> HttpResponse:
    """Every change of a record that the person may see; ``export=csv`` or ``xlsx`` gives those asked for as a file."""
    record = open_record(kind=kind, public_id=public_id, user=request.user)
    if record is None:
        raise Http404("There is no such record for you.")
    company, everything = Company.current(), events(record)
    form = HistoryForm(request.GET, kind=record.kind, people=people(everything), company=company)
    if refusal := refused_filters(request, form, title=f"Changes of {record.name}"):
        return refusal
    asked = form.narrowed()
    is_whole = asked == Narrowed()
    found = everything if is_whole else events(record, asked)
    if file := {"csv": csv_file, "xlsx": xlsx_file}.get(request.GET.get("export", "")):
        return file(record, _told(record, None if is_whole else found, asked, company), company)
    return _page(request, record, form, everything, found, company)


def _told(record: Record, found: Sequence[Event] | None, asked: Narrowed, company: Company) -> list[Entry]:
    return tell(happenings(record, found, field=asked.field), company=company)


def _page(
    request: SignedInRequest,
    record: Record,
    form: HistoryForm,
    everything: list[Event],
    found: list[Event],
    company: Company,
) -> HttpResponse:
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "record": record,
        "record_url": "" if record.is_gone else _url(record),
        "form": form,
        "page": page,
        "entries": [
            (entry, _icon(entry), entry.rows[:MOST_ROWS], max(len(entry.rows) - MOST_ROWS, 0))
            for entry in _told(record, list(page), form.narrowed(), company)
        ],
        "total": len(everything),
        "first_at": everything[-1].at if everything and everything[-1].at > BEFORE_HISTORY else None,
        "before_history": BEFORE_HISTORY,
        "open_fields": OPEN_FIELDS,
        "open_rows": OPEN_ROWS,
        "is_narrowed": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "leads/history/history.html", context)


def _icon(entry: Entry) -> str:
    return _ICONS.get(entry.door, "pencil")


def _url(record: Record) -> str:
    try:
        return reverse(ADDRESSES[record.kind.key], args=[record.public_id])
    except (KeyError, NoReverseMatch):
        return ""
