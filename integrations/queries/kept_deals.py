"""Which opportunities a connected CRM keeps."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from integrations.models import ExternalRecord, RecordKind
from leads.queries.kept_elsewhere import keeps_opportunities


@keeps_opportunities
def kept_by_crm() -> Q:
    """A record of an active connection stands for the opportunity."""
    records = ExternalRecord.objects.filter(
        connection__is_active=True, kind=RecordKind.DEAL, opportunity=OuterRef("pk"), archived_at__isnull=True
    )
    return Q(Exists(records))
