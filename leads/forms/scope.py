"""What a figure is asked for: a period, filters, a method, a moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from leads.figures.base import NO_CAMPAIGN, NO_OWNER, Scope
from leads.figures.offers import offered, usual_method
from leads.forms.as_of import NAME
from leads.models import Campaign, Channel, Company, Territory, User
from leads.past.span import moment
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR, Period, Week, local_date, quarter_bounds

MAX_DAYS = 3_700


class DayField(forms.CharField):
    """A day (2026-11-16) or a week (2026-W47), given as the (first, last) day meant."""

    def clean(self, value: Any) -> tuple[date, date] | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            if "W" in text:
                week = Week.parse(text)
                days = week.starts_on, week.ends_on - timedelta(days=1)
            else:
                days = (date.fromisoformat(text),) * 2
        except (ValueError, OverflowError):  # the last week of the year 9999 has no end
            raise ValidationError(f"{text[:40]!r} is neither a date such as 2026-11-16 nor a week.") from None
        if not OLDEST_YEAR <= days[0].year <= days[1].year <= LATEST_YEAR:
            raise ValidationError(f"The year must lie between {OLDEST_YEAR} and {LATEST_YEAR}.")
        return days


class DayInput(forms.DateInput):
    """A date picker whose year has four digits; without ``max`` browsers take six."""

    def __init__(self) -> None:
        super().__init__({"type": "date", "max": "9999-12-31"})


class CampaignField(forms.ModelChoiceField[Campaign]):
    """A campaign by its public id, or NO_CAMPAIGN for what belongs to none."""

    def clean(self, value: Any) -> Any:
        return NO_CAMPAIGN if value == NO_CAMPAIGN else super().clean(value)


class OwnerField(forms.ModelChoiceField[User]):
    """An owner by their public id, or NO_OWNER for what nobody owns."""

    def clean(self, value: Any) -> Any:
        return NO_OWNER if value == NO_OWNER else super().clean(value)


class ScopeForm(forms.Form):
    """What a figure is asked for; every error names its field.

    Without a period the current fiscal quarter is meant. ``week`` is short for the ``from`` and ``to`` of that week.
    ``methods`` and ``scopes`` are the (key, name) pairs of the attribution methods and of the journeys' scopes, where
    the caller knows them; else what was offered for figures holds. ``at`` is the moment deemed now: doors that are
    asked as of a past moment make the form inside its span.
    """

    channel = forms.ModelChoiceField(Channel.objects.none(), to_field_name="key", required=False, empty_label="All")
    campaign = CampaignField(Campaign.objects.none(), to_field_name="public_id", required=False, empty_label="All")
    territory = forms.ModelChoiceField(Territory.objects.none(), required=False, empty_label="All")
    owner = OwnerField(User.objects.none(), to_field_name="public_id", required=False, empty_label="Everybody")
    method = forms.CharField(
        label="Model", required=False, validators=[RegexValidator(r"^[a-z0-9_-]{1,32}\Z", "Not a key of a model.")]
    )
    basis = forms.ChoiceField(
        choices=[("simple", "Close date"), ("realised", "Touchpoint date")], required=False, label="Date by"
    )
    week = DayField(required=False, max_length=8, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        company: Company,
        at: datetime,
        only: Collection[str] = (),
        methods: Collection[tuple[str, str]] = (),
        scopes: Collection[tuple[str, str]] = (),
    ) -> None:
        self.company, self.at = company, at
        asked = {name: data.get(name) for name in data}
        super().__init__({**asked, **self._both_ends(asked)})
        # "from" is a word of the language and "scope" a method below, so that these cannot be declared above.
        self.fields = {
            "from": DayField(label="From", widget=DayInput(), max_length=10, required=False),
            "to": DayField(label="To", widget=DayInput(), max_length=10, required=False),
            **self.fields,
            "scope": forms.CharField(required=False, max_length=40, widget=forms.HiddenInput),
        }
        self.fields["channel"].queryset = Channel.objects.order_by("position", "pk")  # type: ignore[attr-defined]
        self.fields["campaign"].queryset = Campaign.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["territory"].queryset = Territory.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["owner"].queryset = User.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        if methods:
            self.fields["method"].widget = forms.Select(choices=[("", "Company's"), *methods])
        if len(scopes) > 1:
            self.fields["scope"].widget = forms.Select(choices=list(scopes))
        self._known = {"method": methods, "scope": scopes}
        if only:
            for name in set(self.fields) - {"from", "to", "week", *only}:
                del self.fields[name]

    def clean_method(self) -> str:
        """A method that is computed."""
        return self._offered("method", "method")

    def clean_scope(self) -> str:
        """A scope whose credits are kept."""
        return self._offered("scope", "scope")

    def _offered(self, field: str, noun: str) -> str:
        key = str(self.cleaned_data[field] or "")
        known = [name for name, _ in self._known[field] or offered(field)] if key else []
        if known and key not in known:
            raise ValidationError(f"{key[:40]!r} is not a {noun} that is computed; known are {', '.join(known)}.")
        return key

    def clean(self) -> dict[str, Any]:
        """Settle the period."""
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        first, last = self._days(given)
        if last < first:
            self.add_error("to", "The last day lies before the first.")
        elif (last - first).days > MAX_DAYS:
            self.add_error("to", f"At most {MAX_DAYS:,} days at a time.")
        else:
            given["period"] = Period.of_dates(first, last + timedelta(days=1), self.company.tz)
        return given

    def _days(self, given: dict[str, Any]) -> tuple[date, date]:
        week, start, end = given.get("week"), given.get("from"), given.get("to")
        if week and (start or end):
            self.add_error("week", "Give a week, or from and to, not both.")
        if week:
            return week[0], week[1]
        first, last = self._default_days() if not (start and end) else (start[0], end[1])
        return start[0] if start else first, end[1] if end else last

    def _both_ends(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Both days of the period wherever they can be told, so that filters show what holds: an empty one is the
        default."""
        given = {name: _read(asked.get(name)) for name in ("from", "to", "week")}
        if week := given["week"]:
            return {} if asked.get("from") or asked.get("to") else _named(*week)
        if asked.get("week"):
            return {}
        if not asked.get("from") and not asked.get("to"):
            return _named(*self._default_days())
        if (end := given["to"]) and not asked.get("from"):
            return {"from": self._first_before(end[1]).isoformat()}
        if (start := given["from"]) and not asked.get("to"):
            return {"to": max(local_date(self.at, self.company.tz), start[0]).isoformat()}
        return {}

    def _default_days(self) -> tuple[date, date]:
        """The first and last day when nobody says otherwise: the current fiscal quarter."""
        today = local_date(self.at, self.company.tz)
        first, end = quarter_bounds(today, self.company.fiscal_year_start_month)
        return first, end - timedelta(days=1)

    def _first_before(self, last: date) -> date:
        """The first day when only the last is given."""
        return quarter_bounds(last, self.company.fiscal_year_start_month)[0]

    def scope(self, user: User | None) -> Scope:
        """The scope asked for by a person, or by the company (None). Only after ``is_valid()``."""
        given = self.cleaned_data
        channel, campaign, territory = (given.get(name) for name in ("channel", "campaign", "territory"))
        owner = given.get("owner")
        return Scope(
            period=given["period"],
            at=self.at,
            tz=self.company.tz,
            currency=self.company.currency,
            user=user,
            channel=channel.key if channel else "",
            campaign=str(campaign.public_id) if isinstance(campaign, Campaign) else campaign or "",
            territory=territory.pk if territory else None,
            owner=str(owner.public_id) if isinstance(owner, User) else owner or "",
            method=given.get("method") or usual_method(self.company.default_method),
            basis="realised" if given.get("basis") == "realised" else "simple",
            journey_scope=given.get("scope") or "",
            as_of=str(self.data.get(NAME) or "") if moment() else "",
        )


def _read(value: Any) -> tuple[date, date] | None:
    try:
        return DayField(required=False).clean(value)
    except ValidationError:
        return None


def _named(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat(), "week": ""}
