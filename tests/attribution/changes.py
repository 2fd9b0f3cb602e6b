"""Random changes of anything that credits depend on."""

from __future__ import annotations

import random
from datetime import datetime

from attribution.actions.fit_methods import fit_methods
from attribution.actions.save_custom_method import save_custom_method
from attribution.models import AttributionRules, CustomMethod, LiftTest
from leads.models import Channel, Company, Lead, LeadEvent, Opportunity, OpportunityContact, Touchpoint
from tests.attribution.factories import day, deal, touched
from tests.leads.factories import AccountFactory, channel


def change(chance: random.Random, at: datetime) -> None:
    """One random change of anything that credits depend on, recorded at a moment as the app records it."""
    deals, leads = list(Opportunity.objects.order_by("pk")), list(Lead.objects.live().order_by("pk"))
    deal_id = chance.choice(deals).pk
    some_deal = Opportunity.objects.filter(pk=deal_id)
    match chance.randrange(14):
        case 0 | 1:
            campaign = chance.choice([None, *{touch.campaign for touch in Touchpoint.objects.all()}])
            kind = channel(chance.choice(["email", "direct"]))
            moment = chance.choice([10, chance.uniform(-5, 60)])  # day 10 has touches in the same second
            touched(chance.choice(leads), campaign, moment, channel=kind, recorded_at=at)
        case 2:
            some_deal.update(reporting_cents=chance.choice([None, 0, 1, 99_999]), changed_at=at)
        case 3:
            some_deal.update(status="open", closed_at=None, changed_at=at)
        case 4:
            some_deal.update(
                status=chance.choice(["won", "lost"]), closed_at=day(chance.uniform(15, 70)), changed_at=at
            )
        case 5 if len(leads) > 2:
            gone, kept = chance.sample(leads, 2)
            Lead.objects.filter(pk=gone.pk).update(merged_into=kept)
            LeadEvent.objects.create(lead=kept, kind=LeadEvent.Kind.MERGED, happened_at=at, recorded_at=at)
        case 6:
            OpportunityContact.objects.get_or_create(opportunity_id=deal_id, lead=chance.choice(leads))
            some_deal.update(changed_at=at)
        case 7:
            OpportunityContact.objects.filter(opportunity=deal_id).update(is_primary=False)
            head = OpportunityContact.objects.filter(opportunity=deal_id).order_by("lead_id").last()
            OpportunityContact.objects.filter(pk=head.pk if head else None).update(is_primary=True)
            some_deal.update(changed_at=at)
        case 8 if len(deals) > 3:
            some_deal.get().delete()
        case 9:
            Company.objects.update(look_back_days=chance.choice([None, 10, 30]))
            AttributionRules.objects.update(milestone=chance.choice(["closed", "opportunity", "lead"]))
        case 10:
            account = AccountFactory()
            some_deal.update(account=account, changed_at=at)
            lead = chance.choice(leads)
            Lead.objects.filter(pk=lead.pk).update(account=account)
            LeadEvent.objects.create(lead=lead, kind=LeadEvent.Kind.UPDATED, happened_at=at, recorded_at=at)
            deal(lead, opened=45, closed=61, account=account, amount_cents=chance.randrange(9_999), changed_at=at)

        case 11:
            own_method(chance, at)
        case 12:
            fit_methods(at=at, reason="test")
        case 13:
            LiftTest.objects.create(
                channel=channel("email"), starts_on=day(0).date(), ends_on=day(30).date(), lift=0.3, low=0.2, high=0.4
            )
            fit_methods(at=at, reason="test")


def own_method(chance: random.Random, at: datetime) -> None:
    """Made, then given other shares, switched off or on."""
    own = CustomMethod.objects.first() or CustomMethod(slug="own", name="Own")
    closing = chance.choice([0, 50, 100])
    own.closing, own.lead_creation = closing, 100 - closing
    own.is_active = chance.random() < 0.7
    save_custom_method(method=own, at=at)


def silent_change(chance: random.Random) -> None:
    """One that leaves no time of its own."""
    Channel.objects.filter(key="email").update(is_self_initiated=chance.random() < 0.5)
    AttributionRules.objects.get().suppressed_channels.set([channel("email")] if chance.random() < 0.3 else [])
    people = Lead.objects.filter(merged_into=None, merged_leads=None)
    rows = chance.choice([Touchpoint.objects.all(), OpportunityContact.objects.all(), people])
    if ids := list(rows.order_by("pk").values_list("pk", flat=True)):
        rows.filter(pk=chance.choice(ids)).delete()


def delete_touches(chance: random.Random) -> None:
    """Their credits go along, and the deals that lost some are known."""
    credited = Touchpoint.objects.filter(credits__isnull=False).order_by("pk").values_list("pk", flat=True).distinct()
    Touchpoint.objects.filter(pk__in=chance.sample(list(credited), min(len(credited), 2))).delete()
