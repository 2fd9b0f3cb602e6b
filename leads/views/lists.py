"""Lists of opportunities, accounts, campaigns and touchpoints: filters, sorting, saved views and files, all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leads.filters.lists import AccountFilter, CampaignFilter, DealFilter, ListFilter, TouchpointFilter
from leads.models import Account, Campaign, Opportunity, Touchpoint, User
from leads.pure.words import MISSING, money_exact
from leads.views.doors import SignedInRequest, allowed
from leads.views.filters import refused_filters
from leads.views.list_file import list_file, money_cells
from leads.views.list_views import default_view, view_menu
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``value`` is a text, a number, a day, a moment, or (cents, currency) where ``is_money``; ``sort`` names
    the database's column, ``link`` where its text leads."""

    label: str
    value: Callable[[Any], Any]
    sort: str = ""
    is_number: bool = False
    is_money: bool = False
    link: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its key (also that of its saved views), its rows for a person, its filters and columns."""

    key: str
    title: str
    noun: str
    rows: Callable[[User], QuerySet[Any]]
    filters: type[ListFilter]
    columns: Sequence[Column]
    usual: tuple[str, ...]
    icon: str


def _page_of(name: str) -> Callable[[Any], str]:
    return lambda row: reverse(name, args=[row.public_id])


OPPORTUNITIES = Listing(
    "opportunities",
    "Opportunities",
    "opportunities",
    lambda user: Opportunity.objects.visible_to(user).kept().select_related("account", "stage", "owner", "territory"),
    DealFilter,
    (
        Column("Opportunity", lambda deal: deal.name, "name", link=_page_of("leads:opportunity-detail")),
        Column("Account", lambda deal: deal.account, "account__name"),
        Column("Stage", lambda deal: deal.stage, "stage__position"),
        Column("Amount", lambda deal: (deal.amount_cents, deal.currency), "reporting_cents", is_money=True),
        Column("Owner", lambda deal: deal.owner, "owner__name"),
        Column("Forecast", lambda deal: deal.get_forecast_category_display()),
        Column("Opened", lambda deal: deal.opened_at, "opened_at"),
        Column("Expected close", lambda deal: deal.expected_close_on, "expected_close_on"),
        Column("Closed", lambda deal: deal.closed_at, "closed_at"),
    ),
    ("-opened_at", "pk"),
    "cash-coin",
)
ACCOUNTS = Listing(
    "accounts",
    "Accounts",
    "accounts",
    lambda user: _own_accounts(user).select_related("owner"),
    AccountFilter,
    (
        Column(
            "Account",
            lambda each: each.name,
            "name",
            link=lambda each: reverse("leads:history", args=["account", each.public_id]),
        ),
        Column("Domain", lambda each: each.domain, "domain"),
        Column("Industry", lambda each: each.industry, "industry"),
        Column("Company size", lambda each: each.company_size, "company_size", is_number=True),
        Column("Country", lambda each: each.country, "country"),
        Column("Owner", lambda each: each.owner, "owner__name"),
        Column("Created", lambda each: each.created_at, "created_at"),
    ),
    ("name", "pk"),
    "people",
)
CAMPAIGNS = Listing(
    "campaigns",
    "Campaigns",
    "campaigns",
    lambda user: Campaign.objects.select_related("channel", "parent"),
    CampaignFilter,
    (
        Column("Campaign", lambda each: each.name, "name", link=_page_of("attribution:campaign")),
        Column("Code", lambda each: each.code, "code"),
        Column("Channel", lambda each: each.channel, "channel__name"),
        Column("Program", lambda each: each.parent, "parent__name"),
        Column("Starts", lambda each: each.starts_on, "starts_on"),
        Column("Ends", lambda each: each.ends_on, "ends_on"),
        Column("Budget", lambda each: (each.budget_cents, each.currency), "budget_cents", is_money=True),
    ),
    ("-starts_on", "name", "pk"),
    "megaphone",
)
TOUCHPOINTS = Listing(
    "touchpoints",
    "Touchpoints",
    "touchpoints",
    lambda user: Touchpoint.objects.select_related("lead", "channel", "campaign"),
    TouchpointFilter,
    (
        Column("When", lambda touch: touch.occurred_at, "occurred_at"),
        Column("Lead", lambda touch: touch.lead, link=lambda touch: touch.lead.get_absolute_url()),
        Column("Kind", lambda touch: touch.get_kind_display(), "kind"),
        Column("What", lambda touch: touch.name),
        Column("Channel", lambda touch: touch.channel, "channel__name"),
        Column("Campaign", lambda touch: touch.campaign, "campaign__name"),
        Column("Counted", lambda touch: f"No: {touch.exclusion}" if touch.exclusion else "Yes"),
    ),
    ("-occurred_at", "-pk"),
    "list",
)


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
    _whole_company(request)
    return _answer(request, CAMPAIGNS)


@login_required
@require_GET
@asked_as_of
@has_filters
def touchpoint_list(request: SignedInRequest) -> HttpResponse:
    """Touchpoints, also those that count for nothing."""
    _whole_company(request)
    return _answer(request, TOUCHPOINTS)


def _whole_company(request: SignedInRequest) -> None:
    allowed(request, lambda person: person.sees_all, "This list is of the whole company.")


def _own_accounts(user: User) -> QuerySet[Account]:
    rows = Account.objects.all()
    return rows if user.sees_all else rows.filter(Q(owner=user) | Q(leads__owner=user)).distinct()


def _answer(request: SignedInRequest, listing: Listing) -> HttpResponse:
    if not request.GET and (first := default_view(request.user, listing.key)):
        return redirect(f"{request.path}?{first.query}")
    filters = listing.filters(request.GET, queryset=listing.rows(request.user), request=request).for_page()
    if refusal := refused_filters(request, filters.form, title=listing.title):
        return refusal
    found = filters.qs.order_by(*_order(listing, request.GET.get("sort", "")))
    if made := list_file(request, listing.key, _header(listing), lambda: _lines(listing, found)):
        return made
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "list": listing,
        "filter": filters,
        "page": page,
        "rows": [[_cell(column, row) for column in listing.columns] for row in page],
        **view_menu(request, listing.key),
    }
    return render(request, "leads/list/list.html", context)


def _order(listing: Listing, sort: str) -> Sequence[Any]:
    name = sort.removeprefix("-")
    if name not in {column.sort for column in listing.columns if column.sort}:
        return listing.usual
    by = F(name)
    return (by.desc(nulls_last=True) if sort.startswith("-") else by.asc(nulls_last=True), "pk")


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
