"""Names for the sentences of workflows, and what an email template can name of a lead."""

from __future__ import annotations

from leads.models import Campaign, Company, Lead, RejectionReason, Stage, User, WebForm, WebhookEndpoint
from leads.pure.workflows.definition import Names


def names() -> Names:
    """People, forms, campaigns and endpoints by id, stages and reasons. Four queries."""
    return Names(
        people={str(user.public_id): str(user) for user in User.objects.order_by("pk")},
        forms={str(key): name for key, name in WebForm.objects.values_list("public_id", "name")},
        campaigns={str(key): name for key, name in Campaign.objects.values_list("public_id", "name")},
        endpoints={str(key): name for key, name in WebhookEndpoint.objects.values_list("public_id", "name")},
        stages={str(value): str(label) for value, label in Stage.choices},
        reasons={str(value): str(label) for value, label in RejectionReason.choices},
    )


def template_values(lead: Lead, company: Company, form: str = "") -> dict[str, dict[str, str]]:
    """What `leads.pure.workflows.templates.SAMPLE` names, of a lead that comes with its owner."""
    owner = lead.owner
    return {
        "lead": {
            "first_name": lead.first_name,
            "last_name": lead.last_name,
            "name": f"{lead.first_name} {lead.last_name}".strip(),
            "email": lead.email or "",
            "company": lead.company,
            "job_title": lead.job_title,
            "country": lead.country,
            "industry": lead.industry,
            "stage": Stage(lead.stage).label,
        },
        "owner": {
            "name": owner.name if owner else "",
            "first_name": owner.name.split(" ")[0] if owner else "",
            "email": owner.email if owner else "",
        },
        "company": {"name": company.name},
        "form": {"name": form},
    }
