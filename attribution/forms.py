"""What a page or a caller may ask attribution for, and what people tell it: own methods, answers, markets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms

from attribution.actions.accuracy.run_simulation import AT_ONCE, MOST_PEOPLE
from attribution.figures.offers import chosen_method, method_choices, scope_choices
from attribution.models import AttributionRules, CustomMethod
from attribution.pure.accuracy.scenarios import described
from attribution.pure.methods import Method
from attribution.queries import methods
from leads.forms import ScopeForm
from leads.models import Campaign, Channel, Company
from leads.pure.week import local_date, quarter_bounds

DEFAULT_DAYS = 90
"""The last 90 days: a quarter's worth at every moment, while the current quarter is empty on its first day."""


class AttributionForm(ScopeForm):
    """A scope with a known method and journey scope; without a period the last 90 days are meant, today included.

    ``known`` are the methods on offer, read once and passed on.
    """

    def __init__(
        self, data: Mapping[str, Any], *, company: Company, at: datetime, only: Collection[str] = ("method", "basis")
    ) -> None:
        self.known = methods()
        self.rules = AttributionRules.objects.get(pk=1)
        asked = {name: data.get(name) for name in data}
        if not any(asked.get(name) for name in ("from", "to", "week")):
            asked |= default_days(company, at)
        asked |= {
            "method": asked.get("method") or chosen_method(self.known, company).key,
            "basis": asked.get("basis") or "simple",
            "scope": asked.get("scope") or self.rules.scope,
        }
        super().__init__(
            asked,
            company=company,
            at=at,
            only=("scope", *only),
            methods=method_choices(self.known),
            scopes=scope_choices(self.rules),
        )
        if "method" in self.fields:
            self.fields["method"].widget = forms.Select(choices=method_choices(self.known))
        self.fields["scope"].label = "Journeys of"

    @property
    def chosen(self) -> Method:
        """The method asked for. Only after ``is_valid()``."""
        return chosen_method(self.known, self.company, str(self.cleaned_data["method"]))


def default_days(company: Company, at: datetime) -> dict[str, str]:
    """The query's ``from`` and ``to`` when nobody says otherwise."""
    today = local_date(at, company.tz)
    return {"from": (today - timedelta(days=DEFAULT_DAYS - 1)).isoformat(), "to": today.isoformat()}


def presets(company: Company, at: datetime) -> list[tuple[str, dict[str, str]]]:
    """Periods people ask for, as (name, query)."""
    today = local_date(at, company.tz)
    quarter, _ = quarter_bounds(today, company.fiscal_year_start_month)
    before, _ = quarter_bounds(quarter - timedelta(days=1), company.fiscal_year_start_month)
    days = [
        ("This quarter", quarter, today),
        ("Last quarter", before, quarter - timedelta(days=1)),
        ("Last 12 months", today - timedelta(days=364), today),
    ]
    named = [(name, {"from": first.isoformat(), "to": last.isoformat()}) for name, first, last in days]
    return [(f"Last {DEFAULT_DAYS} days", default_days(company, at)), *named]


class MethodForm(forms.ModelForm[CustomMethod]):
    """Shares in percent; the model says in words when they do not sum to 100."""

    class Meta:
        model = CustomMethod
        fields = ("name", "slug", *CustomMethod.SHARES, "excludes_self_initiated", "is_active")
        labels = {
            "slug": "Short name in addresses",
            "first_touch": "First touch, %",
            "lead_creation": "Lead-creation touch, %",
            "opportunity_creation": "Opportunity-creation touch, %",
            "closing": "Closing touch, %",
            "others": "All other touches, %",
            "excludes_self_initiated": "Pass over self-initiated touches (direct, organic, brand search, retargeting)",
            "is_active": "On offer",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            del self.fields["slug"]

    @property
    def total(self) -> Any:
        """What the shares given sum to, None while one of them is not a number."""
        shares = [self.cleaned_data.get(name) for name in CustomMethod.SHARES]
        return None if any(share is None for share in shares) else sum(cast(Any, shares))


NOBODY = "nobody"


class AnswerForm(forms.Form):
    """A channel or "nobody knows", the campaign where it is known, and a note."""

    channel = forms.ChoiceField(widget=forms.RadioSelect, label="What brought this deal?")
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, empty_label="I do not know which", label="Which campaign, if you know"
    )
    note = forms.CharField(max_length=200, required=False, label="Note (optional)")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.channels = {one.key: one for one in Channel.objects.order_by("position", "name")}
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            *((key, one.name) for key, one in self.channels.items()),
            (NOBODY, "Nobody knows"),
        ]
        field = cast("forms.ModelChoiceField[Campaign]", self.fields["campaign"])
        field.queryset = Campaign.objects.order_by("name")


class SimulationForm(forms.Form):
    """Which market, and how big."""

    scenario = forms.ChoiceField(widget=forms.RadioSelect)
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=1,
        help_text="The same seed is the same market; another draws it anew.",
    )
    people = forms.IntegerField(
        min_value=500,
        max_value=MOST_PEOPLE,
        initial=4_000,
        help_text=f"500 to {MOST_PEOPLE:,}; above {AT_ONCE:,} it runs in the background.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["scenario"].choices = list(described().items())  # type: ignore[attr-defined]
