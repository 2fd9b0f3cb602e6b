"""Who passes, and which workflow, version and step an address names."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from leads.models import User, Workflow, WorkflowStep, WorkflowVersion
from leads.queries.workflows.access import may_change_workflows
from leads.views.doors import SignedInRequest, allowed


def writer(request: SignedInRequest) -> User:
    """A person who may change workflows."""
    return allowed(request, may_change_workflows, "Admins build workflows.")


def workflow_of(public_id: UUID) -> Workflow:
    """A workflow, or not found."""
    return get_object_or_404(Workflow.objects.select_related("created_by"), public_id=public_id)


def version_of(public_id: UUID, number: int) -> WorkflowVersion:
    """A version with its workflow, or not found."""
    rows = WorkflowVersion.objects.select_related("workflow", "based_on", "created_by", "activated_by")
    return get_object_or_404(rows, workflow__public_id=public_id, number=number)


def draft_of(public_id: UUID, number: int) -> WorkflowVersion:
    """A version that may be edited, or not found."""
    version = version_of(public_id, number)
    if not version.is_draft:
        raise Http404(f"Version {number} is {version.state}: copy it to a draft to change it.")
    return version


def step_of(version: WorkflowVersion, step_id: int) -> WorkflowStep:
    """A step of a version, or not found."""
    return get_object_or_404(WorkflowStep.objects.select_related("parent"), pk=step_id, version=version)
