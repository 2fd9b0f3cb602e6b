"""What the lists of opportunities, accounts, campaigns and touchpoints show: rows, filters, columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from leads.filters.lists import AccountFilter, CampaignFilter, DealFilter, ListFilter, TouchpointFilter
from leads.models import Account, Campaign, Opportunity, Touchpoint, User
from leads.views.doors import SignedInRequest

MOST_ONLY = 100


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
    """A list: its key (also that of its saved views), its rows for a person, its filters and columns.

    ``is_of_company``: it is of the whole company, for those alone who see all of that.
    """

    key: str
    title: str
    noun: str
    rows: Callable[[User], QuerySet[Any]]
    filters: type[ListFilter]
    columns: Sequence[Column]
    usual: tuple[str, ...]
    icon: str
    is_of_company: bool = False


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
    is_of_company=True,
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
    is_of_company=True,
)


def _own_accounts(user: User) -> QuerySet[Account]:
    rows = Account.objects.all()
    return rows if user.sees_all else rows.filter(Q(owner=user) | Q(leads__owner=user)).distinct()


LISTINGS = {each.key: each for each in (OPPORTUNITIES, ACCOUNTS, CAMPAIGNS, TOUCHPOINTS)}


def filters_of(request: SignedInRequest, listing: Listing, query: QueryDict) -> ListFilter:
    """The filters of an address, over the rows that the person sees."""
    return listing.filters(query, queryset=only(listing.rows(request.user), query), request=request).for_page()


def listed_rows(request: SignedInRequest, key: str, query: QueryDict) -> QuerySet[Any]:
    """The rows that an address asks for, in its order; none where a filter makes no sense."""
    listing = LISTINGS[key]
    if listing.is_of_company and not request.user.sees_all:
        return listing.rows(request.user).none()
    filters = filters_of(request, listing, query)
    if not filters.form.is_valid():
        return listing.rows(request.user).none()
    rows: QuerySet[Any] = filters.qs.order_by(*order_of(listing, query.get("sort", "")))
    return rows


def only(rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]:
    """Those that ``only`` names by their public ids, such as the rows that somebody marked; all without it."""
    if "only" not in query:
        return rows
    return rows.filter(public_id__in=public_ids(str(query["only"]).split(",")[:MOST_ONLY]))


def public_ids(texts: Iterable[str]) -> list[UUID]:
    """The texts that are public ids, as such."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def order_of(listing: Listing, sort: str) -> Sequence[Any]:
    """The order that an address asks for; unknown values come last."""
    name = sort.removeprefix("-")
    if name not in {column.sort for column in listing.columns if column.sort}:
        return listing.usual
    by = F(name)
    return (by.desc(nulls_last=True) if sort.startswith("-") else by.asc(nulls_last=True), "pk")
