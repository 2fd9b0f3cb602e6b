"""What the company's people said, tried and made for attribution, and the accuracies measured from it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction

from attribution.actions.accuracy.check_accuracy import check_agreement, check_capture, check_causal
from attribution.actions.accuracy.measure_accuracy import request_accuracy
from attribution.actions.accuracy.record_source_check import record_source_check
from attribution.actions.save_custom_method import save_custom_method
from attribution.models import AccuracyCheck, CustomMethod, LiftTest, SourceCheck
from leads.models import Campaign, Channel, Opportunity, OpportunityContact, Role, Scope, Touchpoint, User
from leads.past.acting import Door, act, backdated

ANSWERED, ASKED = 40, 15
"""Won deals that sales checked, and customers who were asked."""
CAPTURED, MARKET = 30, 1_000
"""People of the checks of a small demo, which is made for tests: fewer than usual."""


def write_methods(at: datetime) -> None:
    """A method of the company's own shares, and what an experiment found; before methods learn and runs compute."""
    if not CustomMethod.objects.exists():
        shares = {"first_touch": Decimal(45), "closing": Decimal(35), "others": Decimal(20)}
        method = CustomMethod(slug="open-and-close", name="Open and close", excludes_self_initiated=True, **shares)
        save_custom_method(method=method, at=at)
    if not LiftTest.objects.exists():
        LiftTest.objects.create(
            channel=Channel.objects.get(key="paid-social"),
            starts_on=(at - timedelta(days=120)).date(),
            ends_on=(at - timedelta(days=92)).date(),
            lift=0.07,
            low=0.02,
            high=0.12,
            note="Four weeks without paid social in half of the regions",
        )


def write_answers(at: datetime, seed: int) -> None:
    """Answers of sales and customers about won deals: mostly where the journey began, sometimes something else."""
    if SourceCheck.objects.exists():
        return
    random = Random(seed)
    won = Opportunity.objects.won().filter(closed_at__gte=at - timedelta(days=180)).select_related("owner")
    deals = list(won.order_by("public_id")[: ANSWERED + ASKED])
    began = _began(deals)
    campaigns = list(Campaign.objects.filter(children__isnull=True).select_related("channel").order_by("pk"))
    for place, deal in enumerate(deals):
        chance, campaign = random.random(), began.get(deal.pk)
        if campaign is None or chance > 0.9:
            told, channel = None, None
        elif chance > 0.65:
            other = random.choice(campaigns)
            told, channel = other, other.channel
        else:
            told, channel = (campaign if chance < 0.45 else None), campaign.channel
        is_sales = place < ANSWERED
        by = deal.owner if is_sales else None
        # Nobody is asked about a deal that is not won yet.
        answered_at = max(at - timedelta(days=random.randint(1, 20)), deal.closed_at or at)
        with backdated(answered_at), _answering(by):
            record_source_check(
                opportunity=deal,
                origin=SourceCheck.Origin.SALES if is_sales else SourceCheck.Origin.SELF_REPORTED,
                campaign=told,
                channel=channel,
                note="",
                by=by,
                at=answered_at,
            )


def _answering(by: User | None) -> AbstractContextManager[None]:
    """Sales answer on the pages, customers in the form that asks them."""
    if by is None:
        return act(Door.API, source="Website", because=str(Scope.LEADS_WRITE))
    return act(Door.PAGE, actor=by.pk, because=str(Role(by.role).label))


def _began(deals: list[Opportunity]) -> dict[int, Campaign]:
    """Deal → the campaign of its people's first touch with one."""
    people = dict(OpportunityContact.objects.filter(opportunity__in=deals).values_list("lead", "opportunity"))
    touches = Touchpoint.objects.genuine().filter(lead__in=people, campaign__isnull=False)
    began: dict[int, Campaign] = {}
    for touch in touches.select_related("campaign__channel").order_by("occurred_at", "pk"):
        if touch.campaign is not None:
            began.setdefault(people[touch.lead_id], touch.campaign)
    return began


def measure(at: datetime, seed: int, *, is_whole: bool) -> None:
    """The three accuracies, by the actions that measure them everywhere.

    For ``is_whole`` those that need made-up people are left to a worker, with as many as usual: nobody waits for them
    before the demo is ready, and the page of accuracies shows how far they are.
    """
    if AccuracyCheck.objects.exists():
        return
    with transaction.atomic():
        check_agreement(at=at)
        if is_whole:
            request_accuracy(by=None, at=at)
            return
    check_capture(at=at, seed=seed, people=CAPTURED)
    check_causal(at=at, seed=seed, people=MARKET)
