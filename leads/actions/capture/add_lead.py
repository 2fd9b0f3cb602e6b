"""Somebody adds a lead on a page: captured like any other, but no contact by the person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.actions.capture.capture import capture_lead
from leads.models import Assignment, Lead, LeadEvent, TouchKind, User
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.pure.refused import FieldRefused


class AddRefused(FieldRefused):
    """The lead cannot be added so; ``field`` is the one at fault."""


def add_lead(*, details: Mapping[str, Any], owner: User | None, by: User, at: datetime) -> Lead:
    """A new lead with an email address or an external id, and other columns of a lead by name.

    Without an owner the territory rules choose one, as for every captured lead. Raises AddRefused where the person is
    known already, or nothing identifies them.
    """
    email, external_id = str(details.get("email") or ""), str(details.get("external_id") or "")
    if not email and not external_id:
        raise AddRefused("email", "Give an email address, or an external id.")
    with transaction.atomic():
        if email and Lead.objects.filter(email=email).exists():
            raise AddRefused("email", "Another lead has this email address.")
        if external_id and Lead.objects.filter(external_id=external_id).exists():
            raise AddRefused("external_id", "Another lead has this external id.")
        event = CapturedEvent(kind=TouchKind.PORTAL_RECORD, occurred_at=at, name=f"Added by {by}"[:200])
        captured = capture_lead(item=CapturedItem(event=event, **details), source=f"Portal: {by}", at=at)
        if not captured.is_new:  # somebody else was faster
            raise AddRefused("email" if email else "external_id", "Another lead has this.")
        lead = captured.lead
        if owner is not None:
            _own(lead, owner, by, at)
    return lead


def _own(lead: Lead, owner: User, by: User, at: datetime) -> None:
    because = f"chosen by {by}, who added the lead"
    Lead.objects.filter(pk=lead.pk).update(owner=owner)
    lead.owner = owner
    Assignment.objects.create(lead=lead, owner=owner, because=because[:400], assigned_at=at, by=by)
    LeadEvent.objects.create(
        lead=lead,
        kind=LeadEvent.Kind.ASSIGNED,
        happened_at=at,
        recorded_at=at,
        by=by,
        details={"owner": str(owner), "because": because},
    )
