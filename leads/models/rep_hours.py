"""When a rep works, where that differs from the company."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from leads.models.company import validate_time_zone
from leads.past.registry import versioned
from leads.pure.calendar import BusinessHours


@versioned()
class RepHours(models.Model):
    """A rep's own time zone, working hours and public holidays; what is empty follows the company."""

    rep = models.OneToOneField("leads.User", on_delete=models.CASCADE, related_name="working_hours")
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate_time_zone])
    weekdays = models.JSONField(default=list, blank=True, help_text="0 is Monday; empty: those of the company")
    opens = models.TimeField("works from", null=True, blank=True)
    closes = models.TimeField("works to", null=True, blank=True)
    holiday_country = models.CharField("public holidays of", max_length=2, blank=True)
    holiday_region = models.CharField("region", max_length=20, blank=True)

    class Meta:
        verbose_name_plural = "rep hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(opens__isnull=False, closes__isnull=False, closes__gt=models.F("opens")),
                name="rep_hours_close_after_opening",
            ),
        ]

    def __str__(self) -> str:
        return f"Working hours of {self.rep}"

    def within(self, company: BusinessHours) -> BusinessHours:
        """The company's hours with what is the rep's own."""
        hours = company
        if self.time_zone:
            hours = replace(hours, tz=ZoneInfo(self.time_zone))
        if self.weekdays:
            hours = replace(hours, weekdays=frozenset(self.weekdays))
        if self.opens is not None and self.closes is not None:
            hours = replace(hours, opens=self.opens, closes=self.closes)
        if self.holiday_country:
            hours = replace(hours, country=self.holiday_country, region=self.holiday_region)
        return hours
