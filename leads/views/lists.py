"""Lists of opportunities, accounts, campaigns and touchpoints: filters, sorting, saved views and files, all alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from leads.pure.words import MISSING, money_exact
from leads.views.doors import SignedInRequest, allowed
from leads.views.filters import refused_filters
from leads.views.list_file import list_file, money_cells
from leads.views.list_views import bulk_bar, default_view, view_menu
from leads.views.listings import (
    ACCOUNTS,
    CAMPAIGNS,
    OPPORTUNITIES,
    TOUCHPOINTS,
    Column,
    Listing,
    filters_of,
    order_of,
)
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25


@login_required
@require_GET
@asked_as_of
@has_filters
def opportunity_list(request: SignedInRequest) -> HttpResponse:
    """Opportunities that the person may see."""
    return _answer(request, OPPORTUNITIES)


@login_required
@require_GET
@asked_as_of
@has_filters
def account_list(request: SignedInRequest) -> HttpResponse:
    """Accounts; of a rep those they own, or whose leads they do."""
    return _answer(request, ACCOUNTS)


@login_required
@require_GET
@asked_as_of
@has_filters
def campaign_list(request: SignedInRequest) -> HttpResponse:
    """Campaigns with dates and budgets."""
    return _answer(request, CAMPAIGNS)


@login_required
@require_GET
@asked_as_of
@has_filters
def touchpoint_list(request: SignedInRequest) -> HttpResponse:
    """Touchpoints, also those that count for nothing."""
    return _answer(request, TOUCHPOINTS)


def _answer(request: SignedInRequest, listing: Listing) -> HttpResponse:
    if listing.is_of_company:
        allowed(request, lambda person: person.sees_all, "This list is of the whole company.")
    if not request.GET and (first := default_view(request.user, listing.key)):
        return redirect(f"{request.path}?{first.query}")
    filters = filters_of(request, listing, request.GET)
    if refusal := refused_filters(request, filters.form, title=listing.title):
        return refusal
    found = filters.qs.order_by(*order_of(listing, request.GET.get("sort", "")))
    if made := list_file(request, listing.key, _header(listing), lambda: _lines(listing, found)):
        return made
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "list": listing,
        "filter": filters,
        "page": page,
        "rows": [(row, str(row), [_cell(column, row) for column in listing.columns]) for row in page],
        **bulk_bar(request, listing.key),
        **view_menu(request, listing.key),
    }
    return render(request, "leads/list/list.html", context)


def _header(listing: Listing) -> list[str]:
    names: list[str] = []
    for column in listing.columns:
        names += [column.label, f"{column.label}, currency"] if column.is_money else [column.label]
    return [*names, "ID"]


def _lines(listing: Listing, rows: QuerySet[Any]) -> Any:
    for row in rows.iterator(chunk_size=2_000):
        line: list[Any] = []
        for column in listing.columns:
            value = column.value(row)
            line += money_cells(*value) if column.is_money else [_plain(value)]
        yield [*line, str(row.public_id)]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, date, datetime, str)) else str(value)


def _cell(column: Column, row: Any) -> dict[str, Any]:
    value = column.value(row)
    is_moment = isinstance(value, datetime)
    if column.is_money:
        cents, currency = value
        text: Any = MISSING if cents is None else money_exact(cents, currency)
    else:
        text = MISSING if value in (None, "") else value
    return {
        "column": column,
        "text": text,
        "is_moment": is_moment,
        "url": column.link(row) if column.link else "",
    }
