"""Draft leads: how each should look in the CRM, ready to send or to compare."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from integrations.connectors.base import Draft
from integrations.models import Connection, ExternalRecord, RecordKind
from integrations.pure.mapping import content_hash, person_fields
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A lead as it should be there; ``link`` is the record it is known under, None before the first push."""

    lead: Lead
    draft: Draft
    content_hash: str
    link: ExternalRecord | None

    @property
    def is_unchanged(self) -> bool:
        """Whether the CRM holds exactly this, as far as we know."""
        link = self.link
        return link is not None and link.archived_at is None and link.content_hash == self.content_hash


def draft_leads(*, connection: Connection, lead_ids: Collection[int]) -> dict[int, LeadDraft]:
    """Drafts by lead, in three queries. Our public id is the key there: it never changes, an e-mail address does."""
    leads = Lead.objects.filter(pk__in=lead_ids).select_related("channel", "campaign")
    links = ExternalRecord.objects.filter(connection=connection)
    people = {link.lead_id: link for link in links.filter(lead__in=lead_ids)}
    owners = dict(links.filter(kind=RecordKind.OWNER, owner__isnull=False).values_list("owner_id", "remote_id"))
    drafted = {}
    for lead in leads:
        link = people.get(lead.pk)
        fields = person_fields(
            {
                "email": lead.email,
                "first_name": lead.first_name,
                "last_name": lead.last_name,
                "company": lead.company,
                "job_title": lead.job_title,
                "phone": lead.phone,
                "country": lead.country,
                "region": lead.region,
                "postal_code": lead.postal_code,
                "industry": lead.industry,
                "company_size": lead.company_size,
                "owner_id": owners.get(lead.owner_id or 0),
                "stage": lead.stage,
                "score": lead.score,
                "channel": lead.channel.name if lead.channel else None,
                "campaign": lead.campaign.name if lead.campaign else None,
            }
        )
        draft = Draft(str(lead.public_id), fields, link.remote_id if link else None)
        drafted[lead.pk] = LeadDraft(lead, draft, content_hash(fields), link)
    return drafted
