"""Users, their capacity and absences."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from leads.admin.company import weekday
from leads.forms.fields import ListField
from leads.models import OPEN_STAGES, RepAbsence, RepCapacity, RepHours, TerritoryRep, User
from leads.queries.transfers import book_of

admin.site.unregister(Group)  # roles decide what people see; groups would be a second, silent answer


class PersonCreationForm(AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "role")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class PersonChangeForm(UserChangeForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "role", "is_active", "is_staff", "is_superuser")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def clean_is_active(self) -> bool:
        """Who has work in hand is deactivated on a page of the portal, which asks who takes it over."""
        is_active = bool(self.cleaned_data["is_active"])
        person = self.instance
        if not is_active and "is_active" in self.changed_data and not book_of(person, timezone.now()).is_empty:
            page = reverse("leads:person-deactivate", args=[person.public_id])
            raise ValidationError(
                format_html(
                    'This person has open leads, follow-ups, deals or accounts. <a href="{}">Deactivate …</a> asks who '
                    "takes them over.",
                    page,
                )
            )
        return is_active


class HoursForm(forms.ModelForm[RepHours]):
    weekdays = ListField(clean_item=weekday, help_text="0 is Monday: 0, 1, 2, 3, 4")

    class Meta:
        model = RepHours
        fields = ("time_zone", "weekdays", "opens", "closes", "holiday_country", "holiday_region")


class HoursInline(admin.StackedInline[RepHours, User]):
    model = RepHours
    form = HoursForm
    extra = 0
    verbose_name = "own working hours"
    verbose_name_plural = "own working hours; what is empty follows the company"


class CapacityInline(admin.TabularInline[RepCapacity, User]):
    model = RepCapacity
    extra = 0


class AbsenceInline(admin.TabularInline[RepAbsence, User]):
    model = RepAbsence
    extra = 0
    ordering = ("-starts_on",)


class TerritoryShareInline(admin.TabularInline[TerritoryRep, User]):
    model = TerritoryRep
    extra = 0
    verbose_name = "territory"


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """People with role, capacity, absences and territories on one page."""

    form = PersonChangeForm
    add_form = PersonCreationForm
    inlines = (CapacityInline, HoursInline, AbsenceInline, TerritoryShareInline)
    list_display = ("name", "email", "role", "is_active", "open_leads", "last_login")
    list_filter = ("role", "is_active", "is_staff", "territory_shares__territory")
    search_fields = ("name", "email")
    ordering = ("name",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "role", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login")}),
    )
    readonly_fields = ("last_login",)
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("email", "name", "role", "usable_password", "password1", "password2")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        is_open = Q(leads__stage__in=OPEN_STAGES, leads__merged_into__isnull=True)
        return super().get_queryset(request).annotate(_open=Count("leads", filter=is_open, distinct=True))

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who ever signed in or owns records is made inactive instead: what they did, signed and own names them."""
        is_in_use = obj is not None and (obj.last_login is not None or obj.owns_records)
        return not is_in_use and bool(super().has_delete_permission(request, obj))

    @admin.display(description="open leads", ordering="_open")
    def open_leads(self, user: Any) -> int:
        return int(user._open)
