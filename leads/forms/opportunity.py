"""A deal as people keep it: its fields, and the parts of its people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.models import (
    Company,
    ForecastCategory,
    Lead,
    Opportunity,
    OpportunityContact,
    PipelineStage,
)
from leads.pure.money import InvalidAmount, check_currency, to_amount, to_cents

NO_PART = ("", "Not in this deal")


class OpportunityForm(forms.Form):
    """Fields of a deal; ``people`` are the leads who can have a part in it."""

    name = forms.CharField(max_length=200)
    amount = forms.CharField(max_length=40, required=False, help_text="Empty: not known yet.")
    currency = forms.CharField(max_length=3)
    stage = forms.ModelChoiceField(queryset=PipelineStage.objects.order_by("position", "pk"), empty_label=None)
    expected_close_on = forms.DateField(
        required=False, label="Expected close", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    forecast_category = forms.ChoiceField(choices=ForecastCategory.choices)
    closed_on = forms.DateField(
        required=False,
        label="Closed on",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="For a won or lost deal. Empty: today.",
    )
    won_reason = forms.CharField(max_length=120, required=False, label="Won because")
    lost_reason = forms.CharField(
        max_length=120, required=False, label="Lost because", help_text="Needed for a lost deal."
    )
    primary = forms.ChoiceField(label="Primary contact", required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        people: Sequence[Lead],
        deal: Opportunity | None = None,
        lead: Lead | None = None,
        **options: Any,
    ) -> None:
        self.people, company = people, Company.current()
        self.tz = company.tz
        options["initial"] = _kept(deal, company) if deal else _fresh(lead, company)
        super().__init__(*args, **options)
        self.fields["primary"].choices = [(str(each.pk), each.display_name) for each in people]  # type: ignore[attr-defined]
        for each in people:
            self.fields[f"role-{each.pk}"] = forms.ChoiceField(
                choices=[NO_PART, *OpportunityContact.ContactRole.choices],
                required=False,
                label=f"Part of {each.display_name}",
            )

    def clean_currency(self) -> str:
        try:
            return check_currency(self.cleaned_data["currency"].strip().upper())
        except InvalidAmount as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        text, currency = str(given.get("amount") or "").strip(), given.get("currency")
        if currency:
            try:
                given["amount_cents"] = to_cents(text, currency) if text else None
            except InvalidAmount as error:
                self.add_error("amount", str(error))
        return given

    @property
    def values(self) -> dict[str, Any]:
        """The deal's own fields, as the action takes them."""
        names = (
            "name", "amount_cents", "currency", "stage", "expected_close_on",
            "forecast_category", "closed_on", "won_reason", "lost_reason",
        )  # fmt: skip
        return {name: self.cleaned_data.get(name) for name in names}

    @property
    def parts(self) -> list[tuple[int, str, bool]]:
        """(lead, role, whether primary) of everybody with a part."""
        roles = {each.pk: self.cleaned_data.get(f"role-{each.pk}", "") for each in self.people}
        primary = self.cleaned_data.get("primary")
        return [(pk, role, str(pk) == primary) for pk, role in roles.items() if role]


def _kept(deal: Opportunity, company: Company) -> dict[str, Any]:
    contacts = list(deal.contacts.all())
    return {
        "name": deal.name,
        "amount": "" if deal.amount_cents is None else to_amount(deal.amount_cents, deal.currency),
        "currency": deal.currency,
        "stage": deal.stage_id,
        "expected_close_on": deal.expected_close_on,
        "forecast_category": deal.forecast_category,
        "closed_on": deal.closed_at.astimezone(company.tz).date() if deal.closed_at else None,
        "won_reason": deal.won_reason,
        "lost_reason": deal.lost_reason,
        "primary": next((str(each.lead_id) for each in contacts if each.is_primary), ""),
        "seen": deal.changed_at.isoformat(),
        **{f"role-{each.lead_id}": each.role for each in contacts},
    }


def _fresh(lead: Lead | None, company: Company) -> dict[str, Any]:
    known: dict[str, Any] = {"currency": company.currency, "forecast_category": ForecastCategory.PIPELINE}
    if lead is not None:
        name = lead.company or lead.display_name
        known |= {"name": f"{name}: new deal", "primary": str(lead.pk)}
        known[f"role-{lead.pk}"] = OpportunityContact.ContactRole.DECISION_MAKER
    return known
