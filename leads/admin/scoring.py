"""Scoring rule sets: drafts are edited, active and retired versions are only read."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from leads.actions.scoring.version_scoring import activate_rule_set, copy_rule_set
from leads.models import ScoringRule, ScoringRuleSet


class RuleInline(admin.TabularInline[ScoringRule, ScoringRuleSet]):
    model = ScoringRule
    extra = 0
    ordering = ("group", "position")
    fields = ("group", "name", "field", "operator", "value", "points", "max_times", "position")

    def has_add_permission(self, request: HttpRequest, obj: ScoringRuleSet | None = None) -> bool:
        return obj is None or obj.state == ScoringRuleSet.State.DRAFT

    def has_change_permission(self, request: HttpRequest, obj: ScoringRuleSet | None = None) -> bool:
        return obj is None or obj.state == ScoringRuleSet.State.DRAFT

    def has_delete_permission(self, request: HttpRequest, obj: ScoringRuleSet | None = None) -> bool:
        return obj is None or obj.state == ScoringRuleSet.State.DRAFT


@admin.register(ScoringRuleSet)
class ScoringRuleSetAdmin(admin.ModelAdmin[ScoringRuleSet]):
    """Versions of the scoring rules; copy one to change it, then activate the draft."""

    inlines = (RuleInline,)
    list_display = (
        "version",
        "state",
        "fit_threshold",
        "behaviour_threshold",
        "half_life_days",
        "activated_at",
        "note",
    )
    list_filter = ("state",)
    ordering = ("-version",)
    actions = ("copy_to_draft", "activate")
    readonly_fields = ("version", "state", "activated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ScoringRuleSet | None = None) -> bool:
        return obj is None or obj.state == ScoringRuleSet.State.DRAFT

    def has_delete_permission(self, request: HttpRequest, obj: ScoringRuleSet | None = None) -> bool:
        return obj is not None and obj.state == ScoringRuleSet.State.DRAFT

    @admin.action(description="Copy to a new draft")
    def copy_to_draft(self, request: HttpRequest, chosen: QuerySet[ScoringRuleSet]) -> None:
        for rule_set in chosen:
            draft = copy_rule_set(rule_set_id=rule_set.pk)
            self.message_user(request, f"Version {draft.version} is a draft copy of version {rule_set.version}.")

    @admin.action(description="Activate this draft")
    def activate(self, request: HttpRequest, chosen: QuerySet[ScoringRuleSet]) -> None:
        if chosen.count() != 1 or not chosen.filter(state=ScoringRuleSet.State.DRAFT).exists():
            self.message_user(request, "Choose one draft to activate.", messages.ERROR)
            return
        rule_set = activate_rule_set(rule_set_id=chosen.get().pk, at=timezone.now())
        self.message_user(request, f"Version {rule_set.version} scores every lead from now on.")
