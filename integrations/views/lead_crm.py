"""What each CRM knows of a lead: a fragment that the lead's page loads by its address."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from integrations.models import Connection, ExternalRecord, PendingPush, RecordKind
from integrations.pure.record_links import record_url
from leads.models import Lead
from leads.views.doors import SignedInRequest


@login_required
@require_GET
def lead_crm(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Links, last sync and pending push per connection, for a lead the person may see. Three queries."""
    lead = get_object_or_404(Lead.objects.visible_to(request.user), public_id=public_id)
    links: dict[int, list[ExternalRecord]] = {}
    for record in ExternalRecord.objects.filter(lead=lead).order_by("pk"):
        links.setdefault(record.connection_id, []).append(record)
    pushes = {push.connection_id: push for push in PendingPush.objects.filter(lead=lead)}
    rows = [
        {
            "connection": connection,
            "push": pushes.get(connection.pk),
            "links": [(record, _url(connection, record)) for record in links.get(connection.pk, [])],
            "is_held": any(record.held_at for record in links.get(connection.pk, [])),
        }
        for connection in Connection.objects.order_by("name")
        if connection.is_active or connection.pk in links
    ]
    return render(request, "integrations/runs/lead_crm.html", {"lead": lead, "rows": rows})


def _url(connection: Connection, record: ExternalRecord) -> str:
    return record_url(
        vendor=connection.kind,
        base_url=connection.base_url,
        account_id=str(connection.account.get("id", "")),
        kind=RecordKind(record.kind),
        remote_id=record.remote_id,
    )
