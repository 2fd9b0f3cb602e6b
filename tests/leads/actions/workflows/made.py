"""Workflows for tests: made and activated by the actions that people use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from leads.actions.workflows.version_workflow import activate_version, create_workflow
from leads.models import Company, Lead, LeadEvent, Workflow
from leads.past.acting import backdated
from leads.pure.workflows.definition import Definition, StepKind, Trigger
from leads.pure.workflows.ready import Planned, ReadyWorkflow

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""10:00 in Berlin, within business hours."""
WAIT = Planned(StepKind.WAIT, {"amount": 2, "unit": "days"})
MAIL = Planned(StepKind.EMAIL, {"subject": "Hello {{ lead.first_name }}", "body": "Dear {{ lead.name }}"})
CALL = Planned(StepKind.FOLLOW_UP, {"kind": "call", "hours": 4})


def workflow(
    *steps: Planned, name: str = "Welcome", at: datetime = MONDAY, definition: Definition | None = None, **rules: Any
) -> Workflow:
    """An active workflow; created leads start it unless another definition is given."""
    plan = ReadyWorkflow("test", name, "", definition or Definition(Trigger.CAPTURED, **rules), list(steps))
    made = create_workflow(name=name, by=None, at=at, ready=plan, seed=f"seed of {name}")
    activate_version(version=made.versions.get(), why="Test", by=None, at=at)
    made.refresh_from_db()
    return made


def told(leads: Sequence[Lead], kind: str, at: datetime, **details: Any) -> None:
    """The news that something happened to leads."""
    LeadEvent.objects.bulk_create(
        LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, details=details) for lead in leads
    )


def created(leads: Sequence[Lead], at: datetime) -> None:
    told(leads, "captured", at)


def berlin() -> Company:
    with backdated(datetime(2026, 1, 1, tzinfo=UTC)):
        Company.objects.filter(pk=1).update(name="Test company", time_zone="Europe/Berlin")
    return Company.current()
