"""Admin of the rules of journeys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from attribution.actions.lock_sourced import choose_sourced_test, lock_sourced_test, unlock_sourced_test
from attribution.models import AttributionRules, JourneyScope
from leads.views.doors import person


class RulesForm(forms.ModelForm[AttributionRules]):
    """The rules; the sourced test is locked and unlocked here, each time with a reason."""

    kept_scopes = forms.MultipleChoiceField(
        choices=JourneyScope.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Credits of these are computed and kept beside each other; the company's own is always among them.",
    )
    decision = forms.ChoiceField(
        choices=[("", "Leave as it is"), ("lock", "Lock the test chosen above"), ("unlock", "Unlock it")],
        required=False,
        label="lock or unlock",
    )
    reason = forms.CharField(
        max_length=300, required=False, help_text="Who agreed, and why. Kept in the history of decisions."
    )

    class Meta:
        model = AttributionRules
        fields = ("scope", "kept_scopes", "milestone", "half_life_days", "suppressed_channels", "sourced_test")

    def clean_half_life_days(self) -> float:
        days: float = self.cleaned_data["half_life_days"]
        if not 0 < days < 100_000:
            raise ValidationError("Must be more than 0 and less than 100,000 days.")
        return days

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("scope"):
            given["kept_scopes"] = sorted({*given.get("kept_scopes", ()), given["scope"]})
        is_locked, decision = self.instance.sourced_locked_at is not None, given.get("decision")
        is_another = "sourced_test" in self.changed_data
        if (decision or is_another) and not str(given.get("reason") or "").strip():
            self.add_error("reason", "Give the reason: it stays in the history, and another test is another version.")
        if is_locked and is_another and decision != "unlock":
            self.add_error("sourced_test", "The test is locked: unlock it first, with a reason.")
        if decision == ("lock" if is_locked else "unlock"):
            self.add_error("decision", f"The test is {'already' if is_locked else 'not'} locked.")
        return given


@admin.register(AttributionRules)
class AttributionRulesAdmin(admin.ModelAdmin[AttributionRules]):
    """The one row of rules; the next run recomputes what they change."""

    form = RulesForm
    list_display = ("__str__", "scope", "milestone", "half_life_days", "sourced_test", "sourced_locked_at")
    filter_horizontal = ("suppressed_channels",)
    readonly_fields = ("sourced_locked_at",)
    fieldsets = (
        ("Journeys", {"fields": ("scope", "kept_scopes", "milestone", "suppressed_channels")}),
        ("Time decay", {"fields": ("half_life_days",)}),
        ("Sourced deals", {"fields": ("sourced_test", "sourced_locked_at", "decision", "reason")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AttributionRules | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AttributionRules, form: Any, change: bool) -> None:
        """Only the columns of the form: a run may hold the row by its lease meanwhile."""
        at, by = timezone.now(), person(request)
        given = form.cleaned_data
        if given["decision"] == "unlock":
            unlock_sourced_test(reason=given["reason"], by=by, at=at)
            messages.info(request, "The test of sourced deals is open again.")
        obj.save(update_fields=["scope", "kept_scopes", "milestone", "half_life_days"])
        if given["decision"] == "lock":
            lock_sourced_test(test=obj.sourced_test, reason=given["reason"], by=by, at=at)
            messages.info(request, "The test of sourced deals is locked.")
        elif "sourced_test" in form.changed_data:
            choose_sourced_test(test=obj.sourced_test, reason=given["reason"], by=by, at=at)
            messages.info(request, "Sourced deals have another test: that is a new version of their figures.")
