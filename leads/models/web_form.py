"""Forms on the web, what people agreed to in them, and visits to the sites they stand on."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.urls import reverse
from simple_history.models import HistoricalRecords


class FormKind(models.TextChoices):
    """What sending the form means; the touchpoint's kind."""

    FORM_SUBMISSION = "form_submission", "Form submission"
    EMAIL_SIGNUP = "email_signup", "Email sign-up"
    WEBINAR_REGISTRATION = "webinar_registration", "Webinar registration"


def no_texts() -> list[Any]:
    return []


class WebForm(models.Model):
    """A form that anybody may send. ``key`` is public: it lets write and tells nothing.

    ``fields`` holds the questions in order, see `leads.pure.web_forms.definition`.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True, help_text="Of the touchpoint, and in lists.")
    kind = models.CharField(max_length=24, choices=FormKind.choices, default=FormKind.FORM_SUBMISSION)
    title = models.CharField(max_length=160)
    intro = models.TextField(blank=True, max_length=2000)
    language = models.CharField(max_length=12, default="en")
    fields = models.JSONField(default=list)
    submit_label = models.CharField(max_length=60, default="Send")
    thanks = models.TextField(max_length=2000, default="Thank you. We received your details.")
    redirect_url = models.URLField(max_length=1000, blank=True)
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirms_email = models.BooleanField(default=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    origins = models.JSONField(default=no_texts, blank=True)
    fastest_seconds = models.PositiveSmallIntegerField(default=2)
    is_open = models.BooleanField(default=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=FormKind.values), name="web_form_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("leads:web-form", args=[self.public_id])

    @property
    def is_webinar(self) -> bool:
        """Whether people register for a webinar with it."""
        return self.kind == FormKind.WEBINAR_REGISTRATION


class ConsentText(models.Model):
    """What a form asks people to agree to, word for word. Append-only: another wording is another version."""

    form = models.ForeignKey("leads.WebForm", on_delete=models.CASCADE, related_name="consent_texts")
    number = models.PositiveSmallIntegerField()
    text = models.TextField(max_length=10_000, blank=True, help_text="empty: nothing is asked from this version on")
    is_required = models.BooleanField(default=False)
    saved_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "number"], name="consent_text_once_per_number")]

    def __str__(self) -> str:
        return f"{self.form}, version {self.number}"


class FormViews(models.Model):
    """How often a form was shown on one day, as far as browsers said so. Nobody's visit can be told from it."""

    form = models.ForeignKey("leads.WebForm", on_delete=models.CASCADE, related_name="views")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "day"], name="form_views_once_per_day")]

    def __str__(self) -> str:
        return f"{self.form}, {self.day}: {self.count}"


class ConfirmationMail(models.Model):
    """The one mail that asks whether a sign-up was meant. Claimed before it is sent and never sent twice by itself."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sent, or not: unclear"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"

    submission = models.OneToOneField("leads.Submission", on_delete=models.CASCADE, related_name="confirmation")
    email = models.CharField(max_length=254)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="confirmation_due", condition=models.Q(state="waiting")),
            models.Index(fields=["email", "expires_at"], name="confirmation_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.state}"


class TrackedSite(models.Model):
    """A website that tells of visits. ``key`` is public and only lets write."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    origins = models.JSONField(default=no_texts, help_text="where the site is: https://www.example.com")
    asks_consent = models.BooleanField(
        default=True, help_text="store nothing on the visitor's device before the site says revops.consent(true)"
    )
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.name


class PageView(models.Model):
    """A page that a visitor opened. Of nobody in particular until the visitor sends a form.

    ``is_told``: the browser remembered it and said so with a form, where nothing was recorded at the time.
    """

    site = models.ForeignKey("leads.TrackedSite", on_delete=models.CASCADE, null=True, blank=True, related_name="views")
    visitor_id = models.CharField(max_length=64)
    viewed_at = models.DateTimeField(db_index=True)
    page = models.CharField(max_length=1000)
    referrer = models.CharField(max_length=1000, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    is_told = models.BooleanField(default=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["visitor_id", "viewed_at"], name="page_view_visitor")]

    def __str__(self) -> str:
        return f"{self.page}, {self.viewed_at:%Y-%m-%d %H:%M}"
