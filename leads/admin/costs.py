"""What campaigns cost: on the campaign, by day, and the history of what was recorded."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from leads.actions.campaigns.forget_costs import forget_cost_rows
from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import MANUAL, CostRefused, DayCost, check_day, record_costs
from leads.admin.list_filters import ValuesListFilter
from leads.admin.read_only import ReadOnly
from leads.models import Campaign, CampaignCost, Company, CostChange, CostDoor, CostEntry
from leads.pure.money import InvalidAmount, format_money, to_cents
from leads.pure.week import local_date
from leads.views.doors import person

SHOWN = 14


class DayCostForm(forms.ModelForm[CampaignCost]):
    """A day's cost as people write it ("1250.50"); cleaned ``amount`` is in minor units."""

    amount = forms.CharField(max_length=40)

    class Meta:
        model = CampaignCost
        fields = ("spent_on", "currency")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance._state.adding:
            campaign = self.instance.campaign if self.instance.campaign_id else None
            self.fields["currency"].initial = (campaign or Company.current()).currency

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        try:
            if "spent_on" in given:
                check_day(day=given["spent_on"], today=local_date(timezone.now(), Company.current().tz))
        except CostRefused as error:
            raise ValidationError({"spent_on": str(error)}) from error
        if "amount" not in given or "currency" not in given:
            return given
        try:
            given["amount"] = to_cents(given["amount"], given["currency"])
        except InvalidAmount as error:
            raise ValidationError({"amount": str(error)}) from error
        if given["amount"] < 0:
            raise ValidationError({"amount": "A cost must not be negative."})
        return given


class CostInline(admin.TabularInline[CampaignCost, Campaign]):
    """The newest days of a campaign, with a line to record another one. What was recorded is taken back, not edited:
    each of both leaves its entry in the change history."""

    model = CampaignCost
    form = DayCostForm
    extra = 1
    fields = ("spent_on", "amount", "currency", "source")
    readonly_fields = ("source",)
    ordering = ("-spent_on", "source")
    verbose_name = "day's cost"
    verbose_name_plural = f"costs of the last {SHOWN} recorded days"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CampaignCost]:
        match = request.resolver_match
        campaign = match.kwargs.get("object_id") if match else None
        of_campaign = CampaignCost.objects.filter(campaign=campaign).order_by("-spent_on", "source")
        return super().get_queryset(request).filter(pk__in=of_campaign.values("pk")[:SHOWN])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="amount")
    def amount(self, cost: CampaignCost) -> str:
        return format_money(cost.amount_cents, cost.currency)


def save_costs(request: HttpRequest, campaign: Campaign, formset: Any) -> None:
    """Record the new days of a campaign's form and take back those marked for it."""
    said, at = Said(door=CostDoor.ADMIN, by=person(request)), timezone.now()
    gone = [form.instance for form in formset.deleted_forms if form.instance.pk]
    new = [form for form in formset.extra_forms if form.has_changed() and form not in formset.deleted_forms]
    if gone:
        forget_cost_rows(ids=[cost.pk for cost in gone], said=said, at=at)
    costs = [
        DayCost(campaign.pk, form.cleaned_data["spent_on"], form.cleaned_data["amount"], form.cleaned_data["currency"])
        for form in new
    ]
    if costs:
        record_costs(costs=costs, source=MANUAL, said=said, at=at)
    # What the admin's own log of the form tells.
    formset.new_objects, formset.changed_objects, formset.deleted_objects = [form.instance for form in new], [], gone


@admin.register(CampaignCost)
class CampaignCostAdmin(ReadOnly):
    """Costs by day, to look up and take back; they are recorded on the campaign, its cost page, by import and API."""

    list_display = ("spent_on", "campaign", "amount", "source", "recorded_at", "page")
    list_filter = (("source", ValuesListFilter), ("spent_on", admin.DateFieldListFilter), "campaign__channel")
    search_fields = ("campaign__name", "campaign__code")
    list_select_related = ("campaign",)
    ordering = ("-spent_on", "campaign__name")

    @admin.display(description="amount", ordering="amount_cents")
    def amount(self, cost: CampaignCost) -> str:
        return format_money(cost.amount_cents, cost.currency)

    @admin.display(description="all costs")
    def page(self, cost: CampaignCost) -> str:
        url = reverse("leads:campaign-costs", args=[cost.campaign.public_id])
        return format_html('<a href="{}">Costs of {}</a>', url, cost.campaign)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: CampaignCost) -> None:
        self._forget(request, [obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CampaignCost]) -> None:
        self._forget(request, list(queryset.values_list("pk", flat=True)))

    def _forget(self, request: HttpRequest, ids: list[int]) -> None:
        forget_cost_rows(ids=ids, said=Said(door=CostDoor.ADMIN, by=person(request)), at=timezone.now())


class CostChangeInline(admin.TabularInline[CostChange, CostEntry]):
    model = CostChange
    extra = 0
    can_delete = False
    ordering = ("spent_on",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CostEntry)
class CostEntryAdmin(ReadOnly):
    """What was recorded about costs, never edited."""

    inlines = (CostChangeInline,)
    list_display = ("said_at", "campaign", "source", "door", "by_name", "reason")
    list_filter = ("door", ("source", ValuesListFilter), ("said_at", admin.DateFieldListFilter))
    search_fields = ("campaign__name", "campaign__code", "by_name", "reason")
    list_select_related = ("campaign",)
    ordering = ("-said_at", "-pk")
