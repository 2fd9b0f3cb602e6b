"""What a page or a caller may ask of campaigns: a scope, a method, a period."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms

from attribution.figures.offers import chosen_method, method_choices, scope_choices
from attribution.models import AttributionRules
from attribution.pure.methods import Method
from attribution.queries.rules import methods
from leads.forms import ScopeForm
from leads.models import Company
from leads.pure.week import local_date, quarter_bounds

DEFAULT_DAYS = 90
"""The last 90 days: a quarter's worth at every moment, while the current quarter is empty on its first day."""


class AttributionForm(ScopeForm):
    """A scope with a known method and journey scope; without a period the last 90 days are meant, today included.

    ``known`` are the methods on offer, read once and passed on.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        company: Company,
        at: datetime,
        only: Collection[str] = ("method", "basis", "owner"),
    ) -> None:
        self.known = methods()
        self.rules = AttributionRules.objects.get(pk=1)
        asked = {name: data.get(name) for name in data}
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
        self.fields["scope"].label = "Include touchpoints of"

    def shown(self) -> dict[str, str]:
        """The query of what always stands in the address: the period, and how credit is counted."""
        return {name: str(self.data.get(name) or "") for name in ("method", "basis", "scope", "from", "to")}

    def _default_days(self) -> tuple[date, date]:
        today = local_date(self.at, self.company.tz)
        return self._first_before(today), today

    def _first_before(self, last: date) -> date:
        return last - timedelta(days=DEFAULT_DAYS - 1)

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
