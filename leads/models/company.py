"""The one company of this installation, and its exchange rates."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from leads.past.registry import versioned
from leads.pure.calendar import BusinessHours


def _all_weekdays() -> list[int]:
    return [0, 1, 2, 3, 4]


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(f"{value!r} is not an IANA time zone such as Europe/Berlin.")


@versioned()
class Company(models.Model):
    """Settings an admin edits; exactly one row, made by migration."""

    name = models.CharField(max_length=120, default="Our company")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    currency = models.CharField(max_length=3, default="EUR")
    fiscal_year_start_month = models.PositiveSmallIntegerField(default=1)
    business_weekdays = models.JSONField(default=_all_weekdays, help_text="0 is Monday")
    business_opens = models.TimeField(default=time(9))
    business_closes = models.TimeField(default=time(17))
    holiday_country = models.CharField(
        "public holidays of",
        max_length=2,
        blank=True,
        default="",
        help_text="two-letter code of a country; empty: none",
    )
    holiday_region = models.CharField(
        "region",
        max_length=20,
        blank=True,
        default="",
        help_text="a region with public holidays of its own, such as BE",
    )
    holidays = models.JSONField(default=list, blank=True, help_text='further closed days, such as "2026-12-25"')
    follow_up_hours = models.PositiveSmallIntegerField(
        default=4, help_text="service level: business hours until the first follow-up of an MQL"
    )
    mqls_per_week = models.PositiveIntegerField(
        null=True, blank=True, help_text="MQLs that the sales team can take in a week"
    )
    look_back_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=180,
        help_text="touchpoints older than this before the milestone earn nothing",
    )
    default_method = models.CharField("default model", max_length=40, default="linear")
    internal_domains = models.JSONField(default=list, blank=True, help_text="email domains of our own people")

    history = HistoricalRecords()

    class Meta:
        verbose_name = "company settings"
        verbose_name_plural = "company settings"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="company_single_row"),
            models.CheckConstraint(
                condition=models.Q(fiscal_year_start_month__range=(1, 12)), name="company_fiscal_month_valid"
            ),
            models.CheckConstraint(
                condition=models.Q(business_closes__gt=models.F("business_opens")),
                name="company_closes_after_opening",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def hours(self) -> BusinessHours:
        """Opening hours, public holidays and further closed days."""
        return BusinessHours(
            tz=self.tz,
            weekdays=frozenset(self.business_weekdays),
            opens=self.business_opens,
            closes=self.business_closes,
            holidays=frozenset(date.fromisoformat(day) for day in self.holidays),
            country=self.holiday_country,
            region=self.holiday_region,
        )

    @classmethod
    def current(cls) -> Company:
        """Return the company row. Cheap enough to read per request; never cached across requests."""
        return cls.objects.get(pk=1)


@versioned()
class ExchangeRate(models.Model):
    """One unit of ``currency`` in the company currency, valid from a date until the next dated rate."""

    currency = models.CharField(max_length=3)
    valid_from = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "valid_from"], name="rate_once_per_day"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_positive"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate} from {self.valid_from}"
