"""Workflows in versions, and their steps."""

from __future__ import annotations

import uuid
from datetime import time
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.pure.conditions.grammar import Group, from_json, to_json
from leads.pure.workflows.definition import STEPS, Definition, StepKind, Trigger
from leads.pure.workflows.hold_out import HIGHEST


def no_conditions() -> dict[str, Any]:
    return to_json(Group())


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    def listening(self) -> WorkflowQuerySet:
        """Workflows that enroll leads and go on with those enrolled."""
        return self.filter(is_on=True)


class Workflow(models.Model):
    """Steps that are taken for a lead after something happened. What it does stands in its versions.

    ``seed`` decides who is held out; it never changes. Nothing from before ``listens_since`` starts it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    about = models.CharField("what it is for", max_length=300, blank=True)
    is_on = models.BooleanField(default=False)
    listens_since = models.DateTimeField(null=True, blank=True)
    dated_on = models.DateField(null=True, blank=True, help_text="last company day whose dates were looked at")
    seed = models.CharField(max_length=32, editable=False)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_on=False) | Q(listens_since__isnull=False), name="workflow_on_since_a_moment"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("leads:workflow", args=[self.public_id])


class WorkflowVersion(models.Model):
    """A workflow as it stands or stood. Whoever was enrolled under a version goes through that version to the end."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    class Unit(models.TextChoices):
        PERSON = "person", "Each person"
        ACCOUNT = "account", "Each account, with all its people"

    workflow = models.ForeignKey("leads.Workflow", on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    trigger = models.CharField(max_length=12, choices=[(each.value, each.name.title()) for each in Trigger])
    settings = models.JSONField(default=dict, blank=True, help_text="of the trigger")
    conditions = models.JSONField(default=no_conditions, help_text="who is enrolled, in the condition grammar")
    goal = models.JSONField(default=no_conditions, help_text="what ends it; empty: nothing but the last step")
    again_after_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="days after its end until a lead can be enrolled again; empty: never"
    )
    mails_from = models.TimeField(default=time(8))
    mails_until = models.TimeField(default=time(20))
    on_business_days = models.BooleanField(default=True)
    hold_out_percent = models.PositiveSmallIntegerField(default=0)
    hold_out_unit = models.CharField(max_length=8, choices=Unit.choices, default=Unit.PERSON)
    based_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    is_roll_back = models.BooleanField(default=False)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    activated_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)
    activates_at = models.DateTimeField(null=True, blank=True, help_text="when a scheduled version becomes active")
    why = models.CharField(max_length=300, blank=True, help_text="why it was activated")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_number_once"),
            models.UniqueConstraint(
                fields=["workflow"], condition=Q(state="active"), name="workflow_one_active_version"
            ),
            models.UniqueConstraint(
                fields=["workflow"], condition=Q(state__in=["draft", "scheduled"]), name="workflow_one_next_version"
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(activates_at__isnull=False), name="workflow_scheduled_has_a_moment"
            ),
            models.CheckConstraint(condition=Q(hold_out_percent__lte=HIGHEST), name="workflow_hold_out_at_most_half"),
            models.CheckConstraint(
                condition=Q(again_after_days__isnull=True) | Q(again_after_days__gte=1),
                name="workflow_again_after_a_day",
            ),
            models.CheckConstraint(
                condition=Q(trigger__in=[each.value for each in Trigger]), name="workflow_trigger_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("leads:workflow-version", args=[self.workflow.public_id, self.number])

    @property
    def is_draft(self) -> bool:
        """Whether it may still be changed."""
        return self.state == self.State.DRAFT

    @property
    def definition(self) -> Definition:
        """Everything but the steps, as values."""
        return Definition(
            trigger=Trigger(self.trigger),
            settings=self.settings,
            conditions=from_json(self.conditions),
            goal=from_json(self.goal),
            again_after_days=self.again_after_days,
            mails_from=self.mails_from,
            mails_until=self.mails_until,
            on_business_days=self.on_business_days,
            hold_out_percent=self.hold_out_percent,
            hold_out_unit=self.hold_out_unit,
        )


class WorkflowStep(models.Model):
    """A step of a version: in the main list, or on the yes or no side of a branch. ``key`` stays over versions."""

    version = models.ForeignKey("leads.WorkflowVersion", on_delete=models.CASCADE, related_name="steps")
    key = models.UUIDField(default=uuid.uuid4)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    side = models.CharField(max_length=3, blank=True)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10)
    settings = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="workflow_step_key_once"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True, side="") | Q(parent__isnull=False, side__in=["yes", "no"]),
                name="workflow_step_on_a_side_of_its_branch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}, {self.version}"

    @property
    def label(self) -> str:
        """What it does, in a few words."""
        return STEPS[StepKind(self.kind)][0] if self.kind in set(StepKind) else self.kind
