"""Which opportunities, and which fields of leads, a connected CRM keeps."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from integrations.models import ExternalRecord, FieldMap, RecordKind
from leads.queries.kept_elsewhere import keeps_lead_fields, keeps_opportunities


@keeps_opportunities
def kept_by_crm() -> Q:
    """A record of an active connection stands for the opportunity."""
    records = ExternalRecord.objects.filter(
        connection__is_active=True, kind=RecordKind.DEAL, opportunity=OuterRef("pk"), archived_at__isnull=True
    )
    return Q(Exists(records))


@keeps_lead_fields
def decided_by_crm(lead_id: int) -> dict[str, str]:
    """Fields of a lead that an active connection only reads, or where it says that the CRM wins."""
    linked = ExternalRecord.objects.filter(
        connection__is_active=True, kind=RecordKind.PERSON, lead=lead_id, archived_at__isnull=True
    )
    maps = FieldMap.objects.filter(kind=RecordKind.PERSON, connection__in=linked.values("connection")).filter(
        Q(direction=FieldMap.Direction.PULL) | Q(direction=FieldMap.Direction.BOTH, policy=FieldMap.Policy.THEIRS)
    )
    return dict(maps.order_by("pk").values_list("local", "connection__name"))
