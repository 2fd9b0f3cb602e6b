"""What other systems are told about leads and deals: the same in answers of the API and in webhooks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from leads.models import DETAILS, Account, Campaign, Company, Lead, Opportunity, OpportunityContact, Touchpoint
from leads.past.deemed import deemed_now
from leads.pure.money import to_amount
from leads.queries.lead import LeadStory, lead_stories
from leads.queries.mail import OptOut, opt_outs
from leads.queries.scoring import Shown, shown_scores

Link = Callable[[str], str]
"""Makes an absolute address of a path."""
_COLUMNS = ("email", "external_id", *DETAILS)


def of_portal(path: str) -> str:
    """The address of a path where no request says how the portal was reached."""
    return f"{settings.PORTAL_URL}{path}"


def told_leads() -> QuerySet[Lead]:
    """Leads with what `lead_data` reads."""
    return Lead.objects.select_related("channel", "campaign")


def queued(leads: Collection[Lead]) -> set[int]:
    """Keys of the leads whose intake is still to be done (those put off to find a rep have had theirs)."""
    now = deemed_now()
    return {lead.pk for lead in leads if lead.intake_due_at and lead.intake_due_at <= now}


def lead_states(
    leads: Sequence[Lead],
    *,
    link: Link = of_portal,
    queued: Collection[int] = frozenset(),
    stories: Mapping[int, LeadStory] | None = None,
    shown: Mapping[int, Shown] | None = None,
) -> dict[int, dict[str, Any]]:
    """The state of each lead by its key; ``queued`` are those whose intake is still to be done.

    Leads whose ``stories`` or scores ``shown`` are at hand are not looked up.
    """
    told, scores = dict(stories or {}), dict(shown or {})
    done = [lead.pk for lead in leads if lead.pk not in queued]
    if looked_up := [pk for pk in done if pk not in told]:
        told |= lead_stories(looked_up)
        if unscored := [pk for pk in looked_up if pk not in scores]:
            tz = Company.current().tz
            scores |= shown_scores(unscored, deemed_now().astimezone(tz).date(), tz)
    return {lead.pk: _state(lead, told.get(lead.pk), scores.get(lead.pk), link) for lead in leads}


def lead_data(
    leads: Sequence[Lead], *, link: Link = of_portal, queued: Collection[int] = frozenset()
) -> list[dict[str, Any]]:
    """State and details of each lead, with a fixed number of queries; reads what `told_leads` selects."""
    states = lead_states(leads, link=link, queued=queued)
    unmailable = opt_outs(leads)
    return [
        {
            **states[lead.pk],
            "email_opt_out": _opt_out(unmailable.get(lead.pk)),
            **{name: getattr(lead, name) for name in _COLUMNS},
            "channel": lead.channel.key if lead.channel else None,
            "campaign": str(lead.campaign.public_id) if lead.campaign else None,
            "captured_at": lead.captured_at.isoformat(),
            "changed_at": lead.changed_at.isoformat(),
        }
        for lead in leads
    ]


def _opt_out(found: OptOut | None) -> dict[str, str | None] | None:
    return {"reason": found.reason, "at": found.at.isoformat() if found.at else None} if found else None


def _state(lead: Lead, story: LeadStory | None, score: Shown | None, link: Link) -> dict[str, Any]:
    state: Mapping[str, Any] = {
        "id": str(lead.public_id),
        "url": link(reverse("api-lead", args=[lead.public_id])),
    }
    if story is None:
        return {**state, "stage": None, "score": None, "assignment": None, "follow_up": None, "intake": "queued"}
    assignment, follow_up = story.assignment, story.follow_up
    return {
        **state,
        "stage": lead.stage,
        "score": score.told if score else None,
        "assignment": {
            "territory": assignment.territory.name if assignment.territory else None,
            "owner": str(assignment.owner) if assignment.owner else None,
            "because": assignment.because,
        }
        if assignment
        else None,
        "follow_up": {"due_at": follow_up.due_at.isoformat(), "kind": follow_up.kind} if follow_up else None,
    }


def told_deals() -> QuerySet[Opportunity]:
    """Opportunities with what `deal_data` reads."""
    people = OpportunityContact.objects.select_related("lead")
    rows = Opportunity.objects.select_related("stage", "owner", "account")
    return rows.prefetch_related(Prefetch("contacts", people))


def deal_data(deals: Sequence[Opportunity], *, link: Link = of_portal) -> list[dict[str, Any]]:
    """Each deal as it stands; reads what `told_deals` selects."""
    return [
        {
            "id": str(deal.public_id),
            "url": link(reverse("leads:opportunity-detail", args=[deal.public_id])),
            "name": deal.name,
            "stage": deal.stage.key,
            "status": deal.status,
            "amount": money(deal.amount_cents, deal.currency),
            "opened_at": deal.opened_at.isoformat(),
            "closed_at": deal.closed_at.isoformat() if deal.closed_at else None,
            "expected_close_on": deal.expected_close_on.isoformat() if deal.expected_close_on else None,
            "forecast_category": deal.forecast_category,
            "won_reason": deal.won_reason,
            "lost_reason": deal.lost_reason,
            "account": str(deal.account.public_id) if deal.account else None,
            "owner": str(deal.owner.public_id) if deal.owner else None,
            "contacts": [
                {"lead": str(each.lead.public_id), "role": each.role, "is_primary": each.is_primary}
                for each in sorted(deal.contacts.all(), key=lambda each: (not each.is_primary, each.pk))
            ],
            "deleted_at": deal.deleted_at.isoformat() if deal.deleted_at else None,
            "changed_at": deal.changed_at.isoformat(),
        }
        for deal in deals
    ]


def account_data(accounts: Sequence[Account], *, link: Link = of_portal) -> list[dict[str, Any]]:
    """Each account; reads ``owner``, so select it."""
    return [
        {
            "id": str(each.public_id),
            "name": each.name,
            "domain": each.domain,
            "industry": each.industry,
            "company_size": each.company_size,
            "country": each.country,
            "region": each.region,
            "owner": str(each.owner.public_id) if each.owner else None,
            "created_at": each.created_at.isoformat(),
        }
        for each in accounts
    ]


def campaign_data(campaigns: Sequence[Campaign], *, link: Link = of_portal) -> list[dict[str, Any]]:
    """Each campaign; reads ``channel`` and ``parent``, so select them."""
    return [
        {
            "id": str(each.public_id),
            "name": each.name,
            "code": each.code,
            "channel": each.channel.key,
            "program": str(each.parent.public_id) if each.parent else None,
            "starts_on": each.starts_on.isoformat() if each.starts_on else None,
            "ends_on": each.ends_on.isoformat() if each.ends_on else None,
            "budget": money(each.budget_cents, each.currency),
            "is_discovered": each.is_discovered,
            "created_at": each.created_at.isoformat(),
        }
        for each in campaigns
    ]


def touchpoint_data(touches: Sequence[Touchpoint], *, link: Link = of_portal) -> list[dict[str, Any]]:
    """Each touchpoint; reads ``lead``, ``channel`` and ``campaign``, so select them."""
    return [
        {
            "id": str(each.public_id),
            "lead": str(each.lead.public_id),
            "kind": each.kind,
            "name": each.name,
            "channel": each.channel.key,
            "campaign": str(each.campaign.public_id) if each.campaign else None,
            "occurred_at": each.occurred_at.isoformat(),
            "recorded_at": each.recorded_at.isoformat(),
            "utm": {name: getattr(each, f"utm_{name}") for name in ("source", "medium", "campaign", "term", "content")},
            "landing_page": each.landing_page,
            "referrer": each.referrer,
            "excluded_because": each.exclusion or None,
        }
        for each in touches
    ]


def money(cents: int | None, currency: str) -> dict[str, str] | None:
    """An exact amount; None where none is known."""
    return None if cents is None else {"amount": to_amount(cents, currency), "currency": currency}
