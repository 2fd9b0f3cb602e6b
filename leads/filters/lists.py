"""Filters of opportunities, accounts, campaigns and touchpoints, which pages and the API share."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from leads.filters.search import MomentFilter
from leads.models import (
    Account,
    Campaign,
    Channel,
    DealStatus,
    ForecastCategory,
    Lead,
    Opportunity,
    PipelineStage,
    TouchKind,
    Touchpoint,
    User,
)


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """What filters of lists share: every word searched for must occur; choices begin with all."""

    searched: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    """Filters by an id, which pages obey but do not offer."""

    def search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Every word must occur in one of the columns."""
        for word in value.split()[:5]:
            wanted = Q()
            for column in self.searched:
                wanted |= Q(**{f"{column}__icontains": word})
            queryset = queryset.filter(wanted)
        return queryset

    def for_page(self) -> ListFilter:
        """The same with a form for people."""
        for name, field in self.form.fields.items():
            if hasattr(field, "empty_label"):
                field.empty_label = "All"
            if name in self.hidden:
                field.widget = field.hidden_widget()
        return self


def _owners(request: Any) -> QuerySet[User]:
    rows: QuerySet[User] = User.objects.filter(is_active=True)
    return rows.order_by("name", "pk")


def _channels(request: Any) -> QuerySet[Channel]:
    return Channel.objects.order_by("position", "pk")


class DealFilter(ListFilter):
    """Opportunities."""

    q = django_filters.CharFilter(method="search", label="Name or account")
    status = django_filters.ChoiceFilter(choices=DealStatus.choices)
    stage = django_filters.ModelChoiceFilter(
        queryset=lambda request: PipelineStage.objects.order_by("position", "pk"), to_field_name="key"
    )
    owner = django_filters.ModelChoiceFilter(queryset=_owners, to_field_name="public_id")
    forecast_category = django_filters.ChoiceFilter(choices=ForecastCategory.choices)
    account = django_filters.ModelChoiceFilter(
        queryset=lambda request: Account.objects.order_by("pk"), to_field_name="public_id"
    )
    lead = django_filters.ModelChoiceFilter(
        field_name="contacts__lead", queryset=lambda request: Lead.objects.order_by("pk"), to_field_name="public_id"
    )
    opened_from = MomentFilter(field_name="opened_at", lookup_expr="gte")
    opened_to = MomentFilter(field_name="opened_at", lookup_expr="lt")
    closed_from = MomentFilter(field_name="closed_at", lookup_expr="gte")
    closed_to = MomentFilter(field_name="closed_at", lookup_expr="lt")
    searched = ("name", "account__name")
    hidden = ("account", "lead", "opened_from", "opened_to", "closed_from", "closed_to")

    class Meta:
        model = Opportunity
        fields: tuple[str, ...] = ()


class AccountFilter(ListFilter):
    """Accounts."""

    q = django_filters.CharFilter(method="search", label="Name or domain")
    country = django_filters.CharFilter(lookup_expr="iexact")
    industry = django_filters.CharFilter(lookup_expr="iexact")
    owner = django_filters.ModelChoiceFilter(queryset=_owners, to_field_name="public_id")
    domain = django_filters.CharFilter(lookup_expr="iexact")
    searched = ("name", "domain")
    hidden = ("domain",)

    class Meta:
        model = Account
        fields: tuple[str, ...] = ()


class CampaignFilter(ListFilter):
    """Campaigns."""

    q = django_filters.CharFilter(method="search", label="Name or code")
    channel = django_filters.ModelChoiceFilter(queryset=_channels, to_field_name="key")
    program = django_filters.ModelChoiceFilter(
        field_name="parent",
        queryset=lambda request: Campaign.objects.filter(children__isnull=False).distinct().order_by("name"),
        to_field_name="public_id",
    )
    active_on = django_filters.DateFilter(method="by_day", label="Active on")
    code = django_filters.CharFilter(lookup_expr="iexact")
    searched = ("name", "code")
    hidden = ("code",)

    class Meta:
        model = Campaign
        fields: tuple[str, ...] = ()

    def by_day(self, queryset: Any, name: str, value: Any) -> Any:
        """Those that run on a day."""
        return queryset.active_on(value)


class TouchpointFilter(ListFilter):
    """Touchpoints."""

    kind = django_filters.ChoiceFilter(choices=TouchKind.choices)
    channel = django_filters.ModelChoiceFilter(queryset=_channels, to_field_name="key")
    campaign = django_filters.ModelChoiceFilter(
        queryset=lambda request: Campaign.objects.order_by("name", "pk"), to_field_name="public_id"
    )
    counted = django_filters.BooleanFilter(method="by_counted", label="Counted")
    lead = django_filters.ModelChoiceFilter(
        queryset=lambda request: Lead.objects.order_by("pk"), to_field_name="public_id"
    )
    occurred_from = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_to = MomentFilter(field_name="occurred_at", lookup_expr="lt")
    hidden = ("lead", "occurred_from", "occurred_to")

    class Meta:
        model = Touchpoint
        fields: tuple[str, ...] = ()

    def by_counted(self, queryset: QuerySet[Touchpoint], name: str, value: bool) -> QuerySet[Touchpoint]:
        """Those of people, or those that count for nothing: bots, mail scanners, our own staff."""
        return queryset.filter(exclusion="") if value else queryset.exclude(exclusion="")
