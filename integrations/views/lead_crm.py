"""What each CRM knows of a lead: a fragment that the lead's page loads by its address."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from integrations.models import Connection, ExternalRecord, PendingPush
from leads.models import Lead, User


@login_required
@require_GET
def lead_crm(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Link, last sync and pending push per active connection, for a lead the person may see."""
    lead = get_object_or_404(Lead.objects.visible_to(cast(User, request.user)), public_id=public_id)
    links = {record.connection_id: record for record in ExternalRecord.objects.filter(lead=lead)}
    pushes = {push.connection_id: push for push in PendingPush.objects.filter(lead=lead)}
    rows = [
        (connection, links.get(connection.pk), pushes.get(connection.pk))
        for connection in Connection.objects.active().order_by("name")
    ]
    return render(request, "integrations/lead_crm.html", {"lead": lead, "rows": rows})
