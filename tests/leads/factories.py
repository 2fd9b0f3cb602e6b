"""Smallest valid rows of the system of record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from leads import models
from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import Operator
from leads.pure.web_forms.definition import default_fields

START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = models.User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@portal.example")
    name = factory.Sequence(lambda n: f"Person {n}")
    role = "sales_rep"
    password = factory.django.Password("correct horse battery")


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = models.Account

    name = factory.Sequence(lambda n: f"Account {n}")
    domain = factory.Sequence(lambda n: f"account{n}.example")
    created_at = START


def channel(key: str) -> models.Channel:
    """A channel that the first migration made."""
    return models.Channel.objects.get(key=key)


def stage(key: str) -> models.PipelineStage:
    """A pipeline stage that the first migration made."""
    return models.PipelineStage.objects.get(key=key)


class CampaignFactory(DjangoModelFactory):
    class Meta:
        model = models.Campaign

    name = factory.Sequence(lambda n: f"Campaign {n}")
    code = factory.Sequence(lambda n: f"campaign-{n}")
    channel = factory.LazyFunction(lambda: channel("paid-search"))


class LeadFactory(DjangoModelFactory):
    class Meta:
        model = models.Lead

    email = factory.Sequence(lambda n: f"lead{n}@customer{n}.example")
    first_name = "Ada"
    last_name = factory.Sequence(lambda n: f"Byron {n}")
    stage = "lead"
    captured_at = START
    changed_at = factory.SelfAttribute("captured_at")


class TouchpointFactory(DjangoModelFactory):
    class Meta:
        model = models.Touchpoint

    lead = factory.SubFactory(LeadFactory)
    channel = factory.LazyAttribute(lambda touch: touch.campaign.channel if touch.campaign else channel("email"))
    campaign = None
    kind = "form_submission"
    occurred_at = START
    recorded_at = factory.SelfAttribute("occurred_at")
    dedupe_key = factory.Sequence(lambda n: f"touchpoint-{n}")


class OpportunityFactory(DjangoModelFactory):
    class Meta:
        model = models.Opportunity

    name = factory.Sequence(lambda n: f"Deal {n}")
    stage = factory.LazyAttribute(lambda deal: stage("qualification" if deal.status == "open" else deal.status))
    status = "open"
    amount_cents = 100_000
    currency = "EUR"
    reporting_cents = factory.SelfAttribute("amount_cents")
    opened_at = START + timedelta(days=3)
    closed_at = factory.LazyAttribute(
        lambda deal: None if deal.status == "open" else deal.opened_at + timedelta(days=7)
    )
    stage_changed_at = factory.LazyAttribute(lambda deal: deal.closed_at or deal.opened_at)
    changed_at = factory.SelfAttribute("stage_changed_at")


class TerritoryFactory(DjangoModelFactory):
    class Meta:
        model = models.Territory

    name = factory.Sequence(lambda n: f"Territory {n}")


class WebFormFactory(DjangoModelFactory):
    class Meta:
        model = models.WebForm
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Form {n}")
    title = "Talk to us"
    fields = factory.LazyFunction(lambda: [each.stored() for each in default_fields()])
    origins = factory.LazyFunction(lambda: ["https://shop.example"])
    created_at = START


class TrackedSiteFactory(DjangoModelFactory):
    class Meta:
        model = models.TrackedSite
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Site {n}")
    origins = factory.LazyFunction(lambda: ["https://shop.example"])
    created_at = START


def rule(territory: models.Territory, position: int = 1, *, version: models.RoutingVersion | None = None, **conditions):
    """A rule of the active version, or of another one: country=["DE"], company_size=(50, None), is_active=False."""
    fields = {name: conditions.pop(name) for name in ("is_active", "name") if name in conditions}
    items = []
    for key, value in conditions.items():
        if isinstance(value, tuple):
            low, high = value
            operator = Operator.AT_MOST if low is None else Operator.AT_LEAST if high is None else Operator.BETWEEN
            items.append(Condition(key, operator, low=low, high=high))
        else:
            items.append(Condition(key, Operator.IN_DOMAIN if key == "account" else Operator.IS, tuple(value)))
    return models.TerritoryRule.objects.create(
        version=version or models.RoutingVersion.objects.get(state="active"),
        territory=territory,
        position=position,
        conditions=to_json(Group(tuple(items))),
        **fields,
    )
