"""Rows of several models are asked for in one statement, and are what the models' own queries give."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Account, Campaign, Channel, Lead, Touchpoint
from leads.queries.look_up import Asked, look_up
from tests.leads.factories import LeadFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, 30, 0, 123456, tzinfo=UTC)


def test_rows_are_as_their_models_read_them() -> None:
    account = Account.objects.create(name='O\'Neill "&" ä', domain="x.example", attributes={"a": [1]}, created_at=AT)
    channel = Channel.objects.first()
    campaign = Campaign.objects.create(name="C", code="c", channel=channel, starts_on=date(2026, 1, 2))
    lead = LeadFactory(email="ada@x.example", account=account, is_unsubscribed=True, intake_due_at=AT)
    other = LeadFactory(email=None, external_id="17")
    LeadFactory(email="else@x.example")
    with CaptureQueriesContext(connection) as asked:
        leads, accounts, campaigns, none = look_up(
            Asked(Lead, {"email": {"ada@x.example"}, "external_id": ["17", "18"]}, locks=True),
            Asked(Account, {"domain": ["x.example"]}),
            Asked(Campaign, {"code": ["c"]}),
            Asked(Touchpoint, {"dedupe_key": []}),
        )
    assert len(asked) == 1
    assert [each.pk for each in leads] == [lead.pk, other.pk]
    for found in (*leads, *accounts, *campaigns):
        stored = type(found).objects.get(pk=found.pk)
        for name in (field.attname for field in found._meta.concrete_fields):
            assert getattr(found, name) == getattr(stored, name)
            assert type(getattr(found, name)) is type(getattr(stored, name))
    assert [each.pk for each in accounts] == [account.pk]
    assert [each.pk for each in campaigns] == [campaign.pk]
    assert none == []


def test_keys_are_asked_for_too_and_moments_come_with_the_rows() -> None:
    lead, bare = LeadFactory(captured_at=AT), LeadFactory()
    (leads,) = look_up(
        Asked(
            Lead,
            {"id": [lead.pk, bare.pk]},
            more={"at": "CASE WHEN r.id = " + str(lead.pk) + " THEN r.captured_at END"},
        )
    )
    assert [each.at for each in leads] == [AT, None]


def test_where_there_is_nothing_to_look_for_nothing_is_asked() -> None:
    LeadFactory(email="ada@x.example")
    with CaptureQueriesContext(connection) as asked:
        found = look_up(Asked(Lead, {"email": set(), "external_id": []}, locks=True), Asked(Account, {"domain": []}))
    assert found == [[], []]
    assert len(asked) == 0
