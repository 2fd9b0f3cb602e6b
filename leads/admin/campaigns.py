"""Channels, their rules, campaigns and pipeline stages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Subquery, Sum
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from leads.admin.costs import CostInline, save_costs
from leads.models import (
    Campaign,
    Channel,
    ChannelRule,
    Company,
    PipelineStage,
)
from leads.models.campaign import MAX_DEPTH
from leads.pure.channels import channels
from leads.pure.channels.channel_preview import sentence
from leads.pure.conditions.grammar import from_json
from leads.pure.money import InvalidAmount, format_money, to_amount, to_cents


class CampaignForm(forms.ModelForm[Campaign]):
    """A campaign with its budget as people write it ("1250.50"); the code is kept in lower case."""

    budget_cents = forms.CharField(label="budget", required=False)

    class Meta:
        model = Campaign
        fields = "__all__"  # noqa: DJ007  # the admin's fieldsets choose

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        cents = self.initial.get("budget_cents")
        if isinstance(cents, int):  # not every currency has hundredths, so the form decides and not the field
            self.initial["budget_cents"] = to_amount(cents, self.instance.currency)

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip().lower()

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text = cleaned.get("budget_cents")
        try:
            cleaned["budget_cents"] = to_cents(text, cleaned.get("currency", "EUR")) if text else None
        except InvalidAmount as error:
            raise ValidationError({"budget_cents": str(error)}) from error
        ancestor, depth = cleaned.get("parent"), 1
        while ancestor is not None:
            if ancestor.pk == self.instance.pk:
                raise ValidationError({"parent": "A campaign cannot be below itself."})
            ancestor, depth = ancestor.parent, depth + 1
        if depth + self._levels_below() > MAX_DEPTH:
            raise ValidationError({"parent": f"Campaigns nest at most {MAX_DEPTH} deep."})
        return cleaned

    def _levels_below(self) -> int:
        levels, below = 0, Campaign.objects.filter(parent=self.instance.pk) if self.instance.pk else None
        while below is not None and below.exists() and levels < MAX_DEPTH:
            levels, below = levels + 1, Campaign.objects.filter(parent__in=below.values("pk"))
        return levels


@admin.register(Campaign)
class CampaignAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """Campaigns; discovered ones wait for a name."""

    form = CampaignForm
    inlines = (CostInline,)
    list_display = ("name", "code", "channel", "parent", "starts_on", "ends_on", "budget", "spent", "is_discovered")
    list_filter = ("channel", "is_discovered", ("parent", admin.EmptyFieldListFilter))
    search_fields = ("name", "code")
    autocomplete_fields = ("parent",)
    list_select_related = ("channel", "parent")
    date_hierarchy = "starts_on"
    ordering = ("-starts_on", "name")
    fieldsets = (
        (None, {"fields": ("name", "code", "parent", "channel", "is_discovered")}),
        ("Dates and budget", {"fields": (("starts_on", "ends_on"), ("budget_cents", "currency"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        campaigns: QuerySet[Campaign] = super().get_queryset(request)
        return campaigns.annotate(
            _spent=Sum("costs__reporting_cents"), _currency=Subquery(Company.objects.values("currency")[:1])
        )

    def get_inlines(self, request: HttpRequest, obj: Campaign | None) -> Any:
        return self.inlines if obj else ()

    def save_formset(self, request: Any, form: Any, formset: Any, change: bool) -> None:
        save_costs(request, form.instance, formset)

    @admin.display(description="budget", ordering="budget_cents")
    def budget(self, campaign: Campaign) -> str:
        return "–" if campaign.budget_cents is None else format_money(campaign.budget_cents, campaign.currency)

    @admin.display(description="spent", ordering="_spent")
    def spent(self, campaign: Any) -> str:
        return "unknown" if campaign._spent is None else format_money(campaign._spent, campaign._currency)


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin[Channel]):
    """Channels; the rules that lead to them are edited in the portal."""

    list_display = ("name", "key", "parent", "is_self_initiated", "is_advertising", "position")
    list_filter = ("is_self_initiated", "is_advertising")
    list_select_related = ("parent",)
    search_fields = ("name", "key")
    prepopulated_fields = {"key": ("name",)}
    ordering = ("position", "name")


@admin.register(ChannelRule)
class ChannelRuleAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """All channel rules in the order in which they are tried; they are edited in the portal, which tries them first."""

    list_display = ("position", "channel", "said")
    list_display_links = ("position", "channel")
    list_filter = ("channel",)
    fields = ("position", "channel", "said")
    readonly_fields = fields
    list_select_related = ("channel",)
    ordering = ("position",)

    @admin.display(description="rule")
    def said(self, rule: ChannelRule) -> str:
        return sentence(channels.ChannelRule(rule.position, rule.channel.key, from_json(rule.conditions)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ChannelRule | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ChannelRule | None = None) -> bool:
        return False


@admin.register(PipelineStage)
class PipelineStageAdmin(admin.ModelAdmin[PipelineStage]):
    """Steps of the sales process and their win probabilities."""

    list_display = ("name", "key", "position", "probability", "status", "stalled_after_days")
    ordering = ("position",)
