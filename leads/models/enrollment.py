"""Who is in which workflow, what each step did, the emails, and who is left alone."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.models.user import User
from leads.past.registry import versioned
from leads.pure.workflows.hold_out import Arm


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    def visible_to(self, user: User) -> EnrollmentQuerySet:
        """Rows of leads that the person may see."""
        return self if user.sees_all else self.filter(lead__owner=user)

    def entered(self) -> EnrollmentQuerySet:
        """Without what was only looked at."""
        return self.filter(turn__isnull=False)

    def running(self) -> EnrollmentQuerySet:
        return self.filter(state=Enrollment.State.RUNNING)

    def due(self, at: datetime) -> EnrollmentQuerySet:
        """Whose next step is to be taken, in workflows that are on."""
        return self.running().filter(due_at__lte=at, workflow__is_on=True)


class Enrollment(models.Model):
    """What came of one occurrence of a trigger for one lead: a way through a version, or the reason why there is none.

    ``occurrence`` names the row that started it, so reading that row again changes nothing. ``turn`` counts the times
    a lead was enrolled (or held out), from 1; empty where it was not. ``step`` is the next one.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        GOAL = "goal", "Goal reached"
        ENDED = "ended", "Ended early"
        FAILED = "failed", "Failed"
        HELD_OUT = "held_out", "Held out"
        REFUSED = "refused", "Not enrolled"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workflow = models.ForeignKey("leads.Workflow", on_delete=models.CASCADE, related_name="enrollments")
    version = models.ForeignKey("leads.WorkflowVersion", on_delete=models.PROTECT, related_name="enrollments")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="enrollments")
    began_as = models.ForeignKey(
        "leads.Lead",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="the lead that was enrolled, where it was merged into this one since",
    )
    state = models.CharField(max_length=9, choices=State.choices)
    occurrence = models.CharField(max_length=160)
    turn = models.PositiveSmallIntegerField(null=True, blank=True)
    because = models.CharField(max_length=400, help_text="why it was enrolled, or why not")
    enrolled_at = models.DateTimeField()
    step = models.ForeignKey("leads.WorkflowStep", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=300, blank=True)

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workflow", "occurrence"], name="enrollment_once_per_occurrence"),
            models.UniqueConstraint(fields=["workflow", "lead", "turn"], name="enrollment_once_per_turn"),
            models.UniqueConstraint(
                fields=["workflow", "lead"], condition=Q(state="running"), name="enrollment_one_running_per_lead"
            ),
            models.CheckConstraint(
                condition=(Q(state="refused") & Q(turn__isnull=True)) | (~Q(state="refused") & Q(turn__isnull=False)),
                name="enrollment_has_a_turn",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(due_at__isnull=False), name="enrollment_running_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["workflow", "enrolled_at"], name="enrollment_log"),
            models.Index(fields=["due_at"], name="enrollment_due", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.lead} in {self.workflow}"

    def get_absolute_url(self) -> str:
        return reverse("leads:enrollment", args=[self.public_id])


class StepRun(models.Model):
    """What a step did for one lead. Written with its effects in one transaction, once."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        SKIPPED = "skipped", "Not done"
        FAILED = "failed", "Failed"

    enrollment = models.ForeignKey("leads.Enrollment", on_delete=models.CASCADE, related_name="step_runs")
    step = models.ForeignKey("leads.WorkflowStep", on_delete=models.PROTECT, related_name="runs")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    said = models.CharField(max_length=400, blank=True)
    ran_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrollment", "step"], name="step_run_once")]

    def __str__(self) -> str:
        return f"{self.step}: {self.outcome}"


class WorkflowMail(models.Model):
    """An email of a workflow. Claimed before it is sent, and never sent twice by itself."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        UNCLEAR = "unclear", "Sent, or not: unclear"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        WITHHELD = "withheld", "Withheld"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    enrollment = models.ForeignKey("leads.Enrollment", on_delete=models.CASCADE, related_name="mails")
    step = models.ForeignKey("leads.WorkflowStep", on_delete=models.PROTECT, related_name="+")
    email = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=160)
    text = models.TextField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    not_before = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    said = models.CharField(max_length=200, blank=True, help_text="why it was not sent, or who decided")
    settled_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrollment", "step"], name="workflow_mail_once_per_step")]
        indexes = [
            models.Index(fields=["not_before"], name="workflow_mail_due", condition=Q(state="waiting")),
            models.Index(
                fields=["claimed_at"], name="workflow_mail_open", condition=Q(state__in=["sending", "unclear"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.email}, {self.state}"


@versioned()
class HoldOutArm(models.Model):
    """On whom a workflow acts and whom it leaves alone: one row for each person or account, never changed.

    It is given when somebody first meets the conditions. Effects are analyzed as first assigned.
    """

    workflow = models.ForeignKey("leads.Workflow", on_delete=models.CASCADE, related_name="arms")
    version = models.ForeignKey("leads.WorkflowVersion", on_delete=models.PROTECT, related_name="+")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, related_name="hold_out_arms")
    account = models.ForeignKey("leads.Account", on_delete=models.CASCADE, null=True, related_name="hold_out_arms")
    arm = models.CharField(max_length=8, choices=[(Arm.TREATED.value, "Treated"), (Arm.HELD_OUT.value, "Held out")])
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "lead"], condition=Q(lead__isnull=False), name="hold_out_arm_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["workflow", "account"], condition=Q(account__isnull=False), name="hold_out_arm_once_per_account"
            ),
            models.CheckConstraint(
                condition=Q(lead__isnull=True, account__isnull=False) | Q(lead__isnull=False, account__isnull=True),
                name="hold_out_arm_of_one_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead or self.account}: {self.arm}"


class WorkflowSweep(models.Model):
    """Up to when triggers were looked for; a single row."""

    seen_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="workflow_sweep_single_row")]

    def __str__(self) -> str:
        return f"seen until {self.seen_until:%Y-%m-%d %H:%M}"
