"""Forms of scoring: the limits of a version, a rule, activation and back-test."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.forms.fields import MomentField
from leads.models import ScoringRuleSet

MOST_POINTS = 1_000
AS_VERSION, OWN, NEVER = "version", "own", "never"


class LimitsForm(forms.ModelForm[ScoringRuleSet]):
    """Thresholds, caps and half-life of a draft."""

    class Meta:
        model = ScoringRuleSet
        fields = ("fit_threshold", "behaviour_threshold", "fit_cap", "behaviour_cap", "half_life_days", "note")
        labels = {
            "fit_threshold": "Fit threshold",
            "behaviour_threshold": "Behavior threshold",
            "fit_cap": "Fit counts at most",
            "behaviour_cap": "Behavior counts at most",
            "half_life_days": "Half-life of behavior, in days",
            "note": "Note",
        }
        help_texts = {
            "fit_threshold": "Points of fit that an MQL needs.",
            "behaviour_threshold": "Points of behavior that an MQL needs, too.",
            "half_life_days": "After so many days an activity is worth half its points. Empty: no decay.",
            "note": "What this version is for.",
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for side, name in (("fit", "Fit"), ("behaviour", "Behavior")):
            cap, threshold = given.get(f"{side}_cap"), given.get(f"{side}_threshold")
            if cap is not None and threshold is not None and cap < threshold:
                self.add_error(f"{side}_cap", f"{name} could never reach its threshold of {threshold}.")
        if given.get("half_life_days") == 0:
            self.add_error("half_life_days", "At least one day; leave it empty for no decay.")
        return given


class RuleForm(forms.Form):
    """A rule beside its conditions."""

    name = forms.CharField(max_length=120, label="Name", help_text="As reasons of a score show it.")
    points = forms.IntegerField(
        min_value=-MOST_POINTS, max_value=MOST_POINTS, label="Points", help_text="Negative points take away."
    )
    max_times = forms.IntegerField(
        min_value=1,
        max_value=1_000,
        initial=1,
        label="Count at most",
        help_text="The newest so many times give points.",
    )
    decay = forms.ChoiceField(
        choices=[(AS_VERSION, "As the version"), (OWN, "Half-life of its own"), (NEVER, "Never")],
        initial=AS_VERSION,
        label="Decay",
    )
    half_life_days = forms.IntegerField(min_value=1, max_value=3_650, required=False, label="Half-life in days")
    is_enabled = forms.BooleanField(required=False, initial=True, label="Enabled")

    def __init__(self, *args: Any, side: str, **options: Any) -> None:
        super().__init__(*args, **options)
        if side == "fit":
            for name in ("max_times", "decay", "half_life_days"):
                del self.fields[name]

    def clean_points(self) -> int:
        points: int = self.cleaned_data["points"]
        if points == 0:
            raise ValidationError("A rule gives or takes at least one point.")
        return points

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("decay") == OWN and not given.get("half_life_days") and "half_life_days" not in self.errors:
            self.add_error("half_life_days", "Say after how many days half the points are left.")
        return given

    @property
    def half_life(self) -> int | None:
        """The half-life as rules store it: None is the version's, 0 never decays."""
        decay = self.cleaned_data.get("decay", AS_VERSION)
        own: int | None = self.cleaned_data.get("half_life_days")
        return 0 if decay == NEVER else own if decay == OWN else None


class ActivateForm(forms.Form):
    """When a draft takes effect, and why."""

    why = forms.CharField(max_length=300, label="Why", help_text="Kept with the version.")
    activates_at = MomentField(required=False, label="Activate at", help_text="Empty: now.")


class WhyForm(forms.Form):
    """A reason for a roll-back."""

    why = forms.CharField(max_length=300, label="Why", help_text="Kept with the version.")


class BackTestForm(forms.Form):
    """Which past leads a version is tried on."""

    first_day = forms.DateField(label="Leads created from", widget=forms.DateInput({"type": "date"}))
    last_day = forms.DateField(label="to", widget=forms.DateInput({"type": "date"}))
    horizon_days = forms.IntegerField(
        min_value=7, max_value=365, label="Days to become an SQL", help_text="Every lead is followed for as long."
    )

    @staticmethod
    def proposed(today: date) -> dict[str, Any]:
        """The half year whose leads have had 60 days."""
        last = today - timedelta(days=60)
        return {"first_day": last - timedelta(days=181), "last_day": last, "horizon_days": 60}


class TryForm(forms.Form):
    """A lead to try a version on."""

    lead = forms.CharField(max_length=200, label="Lead", help_text="Email, name or company.")
