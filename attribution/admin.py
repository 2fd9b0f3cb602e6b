"""Admin of the rules of journeys and of methods, and a look at runs, fits and accuracies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from attribution.actions.lock_sourced import choose_sourced_test, lock_sourced_test, unlock_sourced_test
from attribution.actions.save_custom_method import save_custom_method
from attribution.models import (
    AccuracyCheck,
    AttributionRules,
    AttributionRun,
    CustomMethod,
    JourneyScope,
    LiftTest,
    MethodFit,
    SourceCheck,
    SourcedDecision,
)
from attribution.queries.rules import built
from leads.admin.read_only import ReadOnly
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


@admin.register(SourcedDecision)
class SourcedDecisionAdmin(ReadOnly):
    """The history of the sourced test."""

    list_display = ("at", "kind", "test", "test_before", "reason", "by")
    list_select_related = ("by",)
    ordering = ("-at", "-pk")


class CustomMethodForm(forms.ModelForm[CustomMethod]):
    """Shares in percent; the model says in words when they do not sum to 100."""

    class Meta:
        model = CustomMethod
        fields = ("name", "slug", *CustomMethod.SHARES, "excludes_self_initiated", "is_active")


@admin.register(CustomMethod)
class CustomMethodAdmin(admin.ModelAdmin[CustomMethod]):
    """The company's own methods. They are switched off rather than deleted: old credits name them."""

    form = CustomMethodForm
    list_display = ("name", "key", "sentence", "version", "changed_at", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    readonly_fields = ("sentence", "version", "changed_at")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active")}),
        (
            "Shares in percent, together 100",
            {"fields": (*CustomMethod.SHARES, "excludes_self_initiated", "sentence", "version", "changed_at")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: CustomMethod | None = None) -> Any:
        return self.readonly_fields if obj is None else ("slug", *self.readonly_fields)

    def get_prepopulated_fields(self, request: HttpRequest, obj: CustomMethod | None = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def has_delete_permission(self, request: HttpRequest, obj: CustomMethod | None = None) -> bool:
        return False

    @admin.display(description="in words")
    def sentence(self, method: CustomMethod) -> str:
        return built(method).sentence if method.pk else "shown once it is saved"

    def save_model(self, request: HttpRequest, obj: CustomMethod, form: Any, change: bool) -> None:
        save_custom_method(method=obj, at=timezone.now())


class LiftTestForm(forms.ModelForm[LiftTest]):
    """An experiment's result; what the constraints refuse is said in words."""

    class Meta:
        model = LiftTest
        fields = ("channel", "starts_on", "ends_on", "lift", "low", "high", "note")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts_on, ends_on = given.get("starts_on"), given.get("ends_on")
        if starts_on and ends_on and ends_on <= starts_on:
            self.add_error("ends_on", "It must end after it started.")
        low, lift, high = (given.get(name) for name in ("low", "lift", "high"))
        if low is not None and lift is not None and high is not None and not 0 <= low <= lift <= high <= 1:
            self.add_error("lift", "Shares from 0 to 1, and the lift must lie inside its interval.")
        return given


@admin.register(LiftTest)
class LiftTestAdmin(admin.ModelAdmin[LiftTest]):
    """What experiments found; the next fit of data-driven methods is calibrated with them."""

    form = LiftTestForm
    list_display = ("channel", "starts_on", "ends_on", "lift", "low", "high", "note")
    list_filter = ("channel",)
    list_select_related = ("channel",)
    ordering = ("-ends_on", "-pk")


@admin.register(SourceCheck)
class SourceCheckAdmin(admin.ModelAdmin[SourceCheck]):
    """What people say brought a deal: the sample behind the accuracy called agreement."""

    list_display = ("opportunity", "origin", "campaign", "channel", "answered_by", "answered_at")
    list_filter = ("origin", "channel")
    list_select_related = ("opportunity", "campaign", "channel", "answered_by")
    search_fields = ("opportunity__name", "note")
    autocomplete_fields = ("opportunity", "campaign")
    fields = ("opportunity", "origin", "campaign", "channel", "note", "answered_by", "answered_at")
    readonly_fields = ("answered_by", "answered_at")
    ordering = ("-answered_at", "-pk")

    def save_model(self, request: HttpRequest, obj: SourceCheck, form: Any, change: bool) -> None:
        obj.answered_by, obj.answered_at = person(request), timezone.now()
        obj.save()


@admin.register(MethodFit)
class MethodFitAdmin(ReadOnly):
    """What data-driven methods learned, and from how much."""

    list_display = ("fitted_at", "method", "version", "is_current", "people", "conversions", "touches", "seconds")
    list_filter = ("method", "is_current")
    ordering = ("-fitted_at", "-pk")
    exclude = ("parameters",)


@admin.register(AccuracyCheck)
class AccuracyCheckAdmin(ReadOnly):
    """The three accuracies as measured, never blended."""

    list_display = ("measured_at", "kind", "value", "low", "high", "sample")
    list_filter = ("kind",)
    ordering = ("-measured_at", "-pk")


@admin.register(AttributionRun)
class AttributionRunAdmin(ReadOnly):
    """Runs are records: readable, never editable."""

    list_display = ("started_at", "kind", "state", "reason", "opportunities_recomputed", "opportunities_seen")
    list_filter = ("state", "kind")
    search_fields = ("reason", "error")
    ordering = ("-started_at",)
