"""Territories and their reps. Their rules are written in versions, on the portal's own pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from simple_history.admin import SimpleHistoryAdmin

from leads.admin.read_only import ReadOnly
from leads.models import OPEN_STAGES, Assignment, RoutingVersion, Territory, TerritoryRep, TerritoryRule
from leads.pure.conditions.sentences import sentence


class RepInline(admin.TabularInline[TerritoryRep, Territory]):
    model = TerritoryRep
    extra = 0
    autocomplete_fields = ("rep",)
    verbose_name = "rep"


@admin.register(Territory)
class TerritoryAdmin(SimpleHistoryAdmin):  # type: ignore[misc]
    """A territory on one page: what happens outside working hours, and its reps."""

    inlines = (RepInline,)
    list_display = ("name", "is_catch_all", "off_hours", "rule_count", "rep_count", "open_leads")
    list_filter = ("is_catch_all", "off_hours")
    search_fields = ("name", "reps__rep__name")
    readonly_fields = ("is_catch_all", "rules_in_force")
    radio_fields = {"off_hours": admin.VERTICAL}
    ordering = ("is_catch_all", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Territory]:
        territories: QuerySet[Territory] = super().get_queryset(request)
        is_open = Q(leads__stage__in=OPEN_STAGES, leads__merged_into__isnull=True)
        in_force = Q(rules__version__state=RoutingVersion.State.ACTIVE, rules__is_active=True)
        return territories.annotate(
            _rules=Count("rules", filter=in_force, distinct=True),
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

    @admin.display(description="rules")
    def rules_in_force(self, territory: Territory) -> str:
        """Which leads go here, with the way to the page that changes it."""
        rules = TerritoryRule.objects.filter(
            territory=territory.pk, version__state=RoutingVersion.State.ACTIVE, is_active=True
        )
        words = "; ".join(f"rule {rule.position}: {sentence(rule.group)}" for rule in rules.order_by("position"))
        if territory.is_catch_all:
            words = "every lead that no rule matches"
        return format_html('{} · <a href="{}">Rules, simulation, versions</a>', words or "none", _portal())

    def has_delete_permission(self, request: HttpRequest, obj: Territory | None = None) -> bool:
        # Without a catch-all some leads would belong nowhere; past versions name the territories of their rules.
        if obj is not None and (obj.is_catch_all or obj.rules.exists()):
            return False
        return bool(super().has_delete_permission(request, obj))


@admin.register(TerritoryRule)
class TerritoryRuleAdmin(ReadOnly):
    """The rules of every version; they are changed on the portal's territory pages."""

    list_display = ("version", "position", "in_words", "territory", "is_active", "page")
    list_filter = ("version__state", "territory")
    search_fields = ("name", "territory__name")
    list_select_related = ("territory", "version")
    ordering = ("-version__number", "position")

    @admin.display(description="leads go there if")
    def in_words(self, rule: TerritoryRule) -> str:
        return sentence(rule.group)

    @admin.display(description="change")
    def page(self, rule: TerritoryRule) -> str:
        return format_html('<a href="{}">Open in the portal</a>', rule.version.get_absolute_url())


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    """The assignment log; nobody edits it."""

    list_display = ("assigned_at", "lead", "territory", "owner", "version", "because")
    list_filter = ("territory", ("assigned_at", admin.DateFieldListFilter))
    search_fields = ("lead__email", "lead__last_name", "owner__name", "because")
    list_select_related = ("lead", "territory", "owner", "version")
    ordering = ("-assigned_at",)


def _portal() -> str:
    return reverse("leads:territories")
