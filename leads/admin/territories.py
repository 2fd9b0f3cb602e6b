"""Territories, their ordered rules and reps."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from leads.actions.routing.move_rule import move_rule
from leads.actions.routing.place_rule import place_rule
from leads.admin.read_only import ReadOnly
from leads.forms.fields import ListField, country, domain
from leads.models import OPEN_STAGES, Assignment, Territory, TerritoryRep, TerritoryRule
from leads.pure.routing import sentence
from leads.queries.routing import pure_rules


class RuleForm(forms.ModelForm[TerritoryRule]):
    """A rule with its lists as comma-separated text and its place among the rules of all territories."""

    place = forms.IntegerField(
        min_value=1,
        required=False,
        label="order",
        help_text="1 is tried first, among the rules of all territories; empty: last",
    )
    countries = ListField(clean_item=country, help_text="two-letter codes: DE, AT, CH")
    regions = ListField()
    industries = ListField(clean_item=str.lower)
    domains = ListField(clean_item=domain, label="named accounts", help_text="email domains")

    class Meta:
        model = TerritoryRule
        fields = (
            "territory",
            "name",
            "is_active",
            "countries",
            "regions",
            "postal_from",
            "postal_to",
            "industries",
            "size_min",
            "size_max",
            "domains",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            self.initial["place"] = TerritoryRule.objects.filter(position__lte=self.instance.position).count()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        conditions = ("countries", "regions", "postal_from", "industries", "size_min", "size_max", "domains")
        # A condition that was refused is one all the same; its own error says what is wrong.
        if not any(name in self.errors or cleaned.get(name) not in (None, "", []) for name in conditions):
            raise ValidationError("A rule without a condition would take every lead: that is the catch-all's part.")
        if bool(cleaned.get("postal_from")) != bool(cleaned.get("postal_to")):
            raise ValidationError({"postal_to": "A postcode range needs both ends."})
        low, high = cleaned.get("size_min"), cleaned.get("size_max")
        if low is not None and high is not None and high < low:
            raise ValidationError({"size_max": "The largest size is below the smallest."})
        return cleaned

    def save(self, commit: bool = True) -> TerritoryRule:
        if self.instance._state.adding:
            last = TerritoryRule.objects.aggregate(last=Max("position"))["last"] or 0
            self.instance.position = last + 10
        rule: TerritoryRule = super().save(commit)
        return rule

    def put_in_place(self) -> None:
        """Move the saved rule where the form says."""
        place = self.cleaned_data.get("place")
        if place and "place" in self.changed_data:
            place_rule(rule_id=self.instance.pk, place=place)


class RuleInline(admin.StackedInline[TerritoryRule, Territory]):
    model = TerritoryRule
    form = RuleForm
    extra = 0
    show_change_link = True
    fieldsets = (
        (None, {"fields": (("place", "name", "is_active"), "in_words")}),
        (None, {"fields": ("countries", "regions", ("postal_from", "postal_to"))}),
        (None, {"fields": ("industries", ("size_min", "size_max"), "domains")}),
    )
    readonly_fields = ("in_words",)
    verbose_name = "rule"
    verbose_name_plural = "rules, in the order in which they are tried"

    @admin.display(description="leads go here if")
    def in_words(self, rule: TerritoryRule) -> str:
        return sentence(pure_rules(rows=[rule])[0]) if rule.pk else "shown once the rule is saved"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TerritoryRule]:
        return super().get_queryset(request).order_by("position")


class RepInline(admin.TabularInline[TerritoryRep, Territory]):
    model = TerritoryRep
    extra = 0
    autocomplete_fields = ("rep",)
    verbose_name = "rep"


@admin.register(Territory)
class TerritoryAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """A territory on one page: rules and reps inline."""

    inlines = (RuleInline, RepInline)
    list_display = ("name", "is_catch_all", "rule_count", "rep_count", "open_leads")
    list_filter = ("is_catch_all",)
    search_fields = ("name", "rules__name", "reps__rep__name")
    readonly_fields = ("is_catch_all",)
    radio_fields = {"off_hours": admin.VERTICAL}
    ordering = ("is_catch_all", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Territory]:
        territories: QuerySet[Territory] = super().get_queryset(request)
        is_open = Q(leads__stage__in=OPEN_STAGES, leads__merged_into__isnull=True)
        return territories.annotate(
            _rules=Count("rules", distinct=True),
            _reps=Count("reps", distinct=True),
            _open=Count("leads", filter=is_open, distinct=True),
        )

    @admin.display(description="rules", ordering="_rules")
    def rule_count(self, territory: Any) -> int:
        return int(territory._rules)

    @admin.display(description="reps", ordering="_reps")
    def rep_count(self, territory: Any) -> int:
        return int(territory._reps)

    @admin.display(description="open leads", ordering="_open")
    def open_leads(self, territory: Any) -> int:
        return int(territory._open)

    def has_delete_permission(self, request: HttpRequest, obj: Territory | None = None) -> bool:
        # Without a catch-all some leads would belong nowhere.
        return not (obj and obj.is_catch_all) and bool(super().has_delete_permission(request, obj))

    def save_formset(self, request: Any, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        rules = [each for each in formset.forms if isinstance(each, RuleForm) and each.instance.pk]
        for rule in sorted(rules, key=lambda each: each.cleaned_data.get("place") or 0):
            rule.put_in_place()


@admin.register(TerritoryRule)
class TerritoryRuleAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """All rules in the order in which they are tried."""

    form = RuleForm
    list_display = ("order", "in_words", "territory", "is_active", "matches")
    list_display_links = ("in_words",)
    list_filter = ("territory", "is_active")
    search_fields = ("name", "territory__name", "countries", "industries", "domains")
    list_select_related = ("territory",)
    ordering = ("position",)
    actions = ("move_up", "move_down")
    fieldsets = (
        (None, {"fields": ("territory", ("place", "name", "is_active"))}),
        (
            "Conditions, all of which must hold",
            {
                "fields": (
                    "countries",
                    "regions",
                    ("postal_from", "postal_to"),
                    "industries",
                    ("size_min", "size_max"),
                    "domains",
                )
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: TerritoryRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.put_in_place()

    @admin.display(description="order", ordering="position")
    def order(self, rule: Any) -> int:
        return int(rule._place)

    @admin.display(description="leads go here if")
    def in_words(self, rule: TerritoryRule) -> str:
        return sentence(pure_rules(rows=[rule])[0])

    @admin.display(description="leads assigned so far", ordering="_matches")
    def matches(self, rule: Any) -> int:
        return int(rule._matches)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TerritoryRule]:
        rules: QuerySet[TerritoryRule] = super().get_queryset(request)
        before = TerritoryRule.objects.filter(position__lte=OuterRef("position")).order_by()
        return rules.annotate(
            _matches=Count("assignments"),
            _place=Subquery(before.values(one=Value(1)).annotate(place=Count("pk")).values("place")),
        )

    @admin.action(description="Try earlier (move up)")
    def move_up(self, request: HttpRequest, chosen: QuerySet[TerritoryRule]) -> None:
        self._move(request, chosen, is_up=True)

    @admin.action(description="Try later (move down)")
    def move_down(self, request: HttpRequest, chosen: QuerySet[TerritoryRule]) -> None:
        self._move(request, chosen, is_up=False)

    def _move(self, request: HttpRequest, chosen: QuerySet[TerritoryRule], *, is_up: bool) -> None:
        rules = list(chosen.order_by("position" if is_up else "-position"))
        # Once the first stands at the end, the next would only change places with it.
        moved = sum(takewhile(bool, (move_rule(rule_id=rule.pk, is_up=is_up) for rule in rules)))
        self.message_user(request, f"{moved} moved." if moved else "Already at the end.", messages.INFO)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    """The assignment log; nobody edits it."""

    list_display = ("assigned_at", "lead", "territory", "owner", "because")
    list_filter = ("territory", ("assigned_at", admin.DateFieldListFilter))
    search_fields = ("lead__email", "lead__last_name", "owner__name", "because")
    list_select_related = ("lead", "territory", "owner")
    ordering = ("-assigned_at",)
