"""Filters that pages and the API share."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters.fields import IsoDateTimeField

from leads.models import Campaign, Channel, Company, Lead, Stage, Territory, User
from leads.pure.grades import GRADES
from leads.queries.grades import in_grade

# A moment of the outermost years can fall out of the calendar when it is told in another time zone.
FIRST_YEAR, LAST_YEAR = MINYEAR + 1, MAXYEAR


class MomentField(IsoDateTimeField):  # type: ignore[misc]  # the library has no types
    """A moment that exists in every time zone; without an offset it is the company's."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        with timezone.override(Company.current().tz):
            moment: datetime | None = super().to_python(value)
        if moment is not None and not FIRST_YEAR <= moment.year < LAST_YEAR:
            raise ValidationError("There is no such moment.", code="invalid")
        return moment


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Compares with a moment."""

    field_class = MomentField


class LeadFilterForm(forms.Form):
    """Refuses a time that ends before it begins."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        first, last = given.get("captured_from"), given.get("captured_to")
        if first and last and last < first:
            self.add_error("captured_to", "The last moment lies before the first.")
        return given


class LeadFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """Leads by what people ask for most; unknown values are refused."""

    q = django_filters.CharFilter(method="search", label="Name, email or company")
    stage = django_filters.MultipleChoiceFilter(choices=Stage.choices)
    channel = django_filters.ModelChoiceFilter(
        queryset=lambda request: Channel.objects.order_by("position"), to_field_name="key"
    )
    campaign = django_filters.ModelChoiceFilter(
        queryset=lambda request: Campaign.objects.order_by("name"), to_field_name="public_id"
    )
    territory = django_filters.ModelChoiceFilter(queryset=lambda request: Territory.objects.order_by("name"))
    email = django_filters.CharFilter(lookup_expr="iexact")
    external_id = django_filters.CharFilter()
    captured_from = MomentFilter(field_name="captured_at", lookup_expr="gte")
    captured_to = MomentFilter(field_name="captured_at", lookup_expr="lt")

    class Meta:
        model = Lead
        form = LeadFilterForm
        fields: tuple[str, ...] = ()

    def search(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Every word must occur in the name, the e-mail or the company."""
        for word in value.split()[:5]:
            queryset = queryset.filter(
                Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(email__icontains=word)
                | Q(company__icontains=word)
                | Q(external_id__iexact=word)
            )
        return queryset


class LeadPageFilter(LeadFilter):
    """What the leads page offers: the API's filters that people use, and the owner."""

    owner = django_filters.ModelChoiceFilter(
        queryset=lambda request: User.objects.active().filter(leads__isnull=False).distinct().order_by("name")
    )
    stage = django_filters.ChoiceFilter(choices=Stage.choices, empty_label="All")
    grade = django_filters.ChoiceFilter(
        choices=[(grade, grade) for grade in GRADES], method="by_grade", label="Fit and engagement"
    )
    email = external_id = captured_from = captured_to = None  # type: ignore[assignment]  # how filters are removed

    def by_grade(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Leads in one cell of the fit and engagement grid."""
        return in_grade(queryset, value)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.form.fields.values():
            if hasattr(field, "empty_label"):
                field.empty_label = "All"
        if not self.request.user.sees_all:  # a rep's list holds one owner
            del self.form.fields["owner"]
