"""Dated contacts of a person through a channel."""

from __future__ import annotations

import uuid

from django.db import models

from leads.past.registry import versioned


class TouchKind(models.TextChoices):
    FORM_SUBMISSION = "form_submission", "Form submission"
    EMAIL_SIGNUP = "email_signup", "Email sign-up"
    WEBINAR_REGISTRATION = "webinar_registration", "Webinar registration"
    WEBINAR_ATTENDANCE = "webinar_attendance", "Webinar attendance"
    EMAIL_OPEN = "email_open", "Email opened"
    EMAIL_CLICK = "email_click", "Email clicked"
    EMAIL_REPLY = "email_reply", "Email answered"
    EMAIL_UNSUBSCRIBE = "email_unsubscribe", "Unsubscribed from email"
    EMAIL_COMPLAINT = "email_complaint", "Marked an email as spam"
    EMAIL_BOUNCE = "email_bounce", "Email address bounced"
    PAGE_VIEW = "page_view", "Page view"
    AD_CLICK = "ad_click", "Ad click"
    EVENT_VISIT = "event_visit", "Event visit"
    IMPORT = "import", "Imported contact"
    CRM_RECORD = "crm_record", "Added in the CRM"
    PORTAL_RECORD = "portal_record", "Added in the portal"
    CALL = "call", "Call"
    MEETING = "meeting", "Meeting"
    LIST_MEMBERSHIP = "list_membership", "Joined a list"


class TouchpointQuerySet(models.QuerySet["Touchpoint"]):
    def genuine(self) -> TouchpointQuerySet:
        """Touches by people: bots, mail scanners and our own staff left out."""
        return self.filter(exclusion="")


@versioned(is_followed=True)
class Touchpoint(models.Model):
    """One contact. Append-only; a repeated delivery of the same event meets ``dedupe_key``.

    Only its channel may change, when rules are applied to past touches (see `TouchChannelChange`), and its lead, when
    two leads turn out to be one person (see `LeadMerge`).
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="touchpoints")
    campaign = models.ForeignKey(
        "leads.Campaign", on_delete=models.PROTECT, null=True, blank=True, related_name="touchpoints"
    )
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="touchpoints")
    kind = models.CharField(max_length=24, choices=TouchKind.choices)
    name = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_index=True)
    utm_source = models.CharField(max_length=120, blank=True)
    utm_medium = models.CharField(max_length=120, blank=True)
    utm_campaign = models.CharField(max_length=120, blank=True)
    utm_term = models.CharField(max_length=120, blank=True)
    utm_content = models.CharField(max_length=120, blank=True)
    landing_page = models.CharField(max_length=1000, blank=True)
    referrer = models.CharField(max_length=1000, blank=True)
    visitor_id = models.CharField(max_length=64, blank=True)
    exclusion = models.CharField(
        max_length=24,
        blank=True,
        help_text="why this touchpoint earns neither points nor credit: bot, scanner, internal, opt-out",
    )
    dedupe_key = models.CharField(max_length=64)

    objects = TouchpointQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dedupe_key"], name="touchpoint_once")]
        indexes = [
            models.Index(fields=["lead", "occurred_at"], name="touchpoint_lead_time"),
            models.Index(fields=["campaign", "occurred_at"], name="touchpoint_campaign_time"),
            models.Index(fields=["occurred_at"], name="touchpoint_time"),
            # For finding people who are known twice; most imported touches have none.
            models.Index(fields=["visitor_id"], name="touchpoint_visitor", condition=~models.Q(visitor_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.occurred_at:%Y-%m-%d}"


@versioned()
class TouchChannelChange(models.Model):
    """A touch that changed rules gave another channel; the one it had is kept here. Append-only."""

    touchpoint = models.ForeignKey("leads.Touchpoint", on_delete=models.CASCADE, related_name="channel_changes")
    job = models.ForeignKey("leads.JobRun", on_delete=models.PROTECT, related_name="+")
    from_channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="+")
    to_channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "channel change of a touchpoint"
        verbose_name_plural = "channel changes of touchpoints"
        constraints = [models.UniqueConstraint(fields=["touchpoint", "job"], name="touch_channel_change_once_per_job")]

    def __str__(self) -> str:
        return f"{self.touchpoint}: {self.from_channel} → {self.to_channel}"
