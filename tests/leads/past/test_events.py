"""Which changes a history is made of: the same that reading everything they did finds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Account, CampaignCost, Lead, Opportunity, OpportunityChange, OpportunityContact, Touchpoint
from leads.past.acting import act, backdated
from leads.past.span import known_at
from leads.queries.history import Narrowed, Record, events, happenings, open_record
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record_of(kind: str, row: Account | Lead | Opportunity) -> Record:
    found = open_record(kind=kind, public_id=row.public_id, user=None)
    assert found is not None
    return found


def told(record: Record, field: str = "") -> list[int]:
    return [each.writer.change for each in happenings(record, field=field)]


def test_all_kinds_of_changes_are_events_and_no_others() -> None:
    """Random writes of records and of what hangs on them; a change of bookkeeping alone is told by neither."""
    chance, hours = Random(7), count(1)
    with backdated(FIRST):
        accounts = [AccountFactory(), AccountFactory()]
        leads = [LeadFactory(account=accounts[0], attributes={}), LeadFactory(account=None)]
        deal, campaign = OpportunityFactory(account=accounts[0]), CampaignFactory()
    first = deal.stage

    def write() -> None:
        match chance.randrange(9):
            case 0:
                Lead.objects.filter(pk=chance.choice(leads).pk).update(account=chance.choice([None, *accounts]))
            case 1:
                Opportunity.objects.filter(pk=deal.pk).update(account=chance.choice([None, *accounts]))
            case 2:
                Opportunity.objects.filter(pk=deal.pk).update(changed_at=FIRST + next(hours) * HOUR)
            case 3:
                TouchpointFactory(lead=chance.choice(leads))
            case 4:
                Touchpoint.objects.filter(lead=leads[0]).update(lead=leads[1])
            case 5:
                Touchpoint.objects.filter(lead=leads[1]).delete()
            case 6:
                OpportunityContact.objects.filter(opportunity=deal).delete()
                OpportunityContact.objects.create(opportunity=deal, lead=chance.choice(leads), is_primary=True)
            case 7:
                OpportunityChange.objects.create(
                    opportunity=deal, stage=first, status="open", changed_at=FIRST, recorded_at=FIRST,
                    source_key=str(next(hours)), amount_cents=chance.choice([None, 100]), currency="EUR",
                )  # fmt: skip
            case 8:
                CampaignCost.objects.update_or_create(
                    campaign=campaign, spent_on=date(2026, 3, 2),
                    defaults={"amount_cents": chance.randrange(3), "currency": "EUR", "recorded_at": FIRST},
                )  # fmt: skip

    for _ in range(60):
        with backdated(FIRST + next(hours) * HOUR), act(chance.choice(["page", "crm"])):
            write()

    records = [
        *(record_of("lead", each) for each in leads),
        *(record_of("account", each) for each in accounts),
        record_of("deal", deal),
        record_of("campaign", campaign),
        record_of("campaign-costs", campaign),
    ]
    for moment in (None, FIRST + 30 * HOUR):
        with known_at(moment):
            for record in records:
                listed = events(record)
                assert [each.change for each in listed] == told(record)
                assert happenings(record, listed) == happenings(record)
                for part in record.parts:
                    for column in part.fields:
                        field = f"{part.key}.{column}"
                        assert [each.change for each in events(record, Narrowed(field=field))] == told(record, field)


def test_some_changes_are_read_alone() -> None:
    with backdated(FIRST):
        deal = OpportunityFactory(name="0")
    for step in range(1, 9):
        with backdated(FIRST + step * HOUR):
            Opportunity.objects.filter(pk=deal.pk).update(name=str(step))
    record = record_of("deal", deal)
    listed = events(record)

    read = happenings(record, listed[2:4])

    assert [each.writer.change for each in read] == [each.change for each in listed[2:4]]
    assert [each.parts for each in listed[2:4]] == [{"deal"}, {"deal"}]
    assert [[told.step.after and told.step.after["name"] for told in each.told] for each in read] == [["6"], ["5"]]
    assert read == happenings(record)[2:4]


def test_events_are_one_query_and_narrow() -> None:
    person = UserFactory()
    with backdated(FIRST), act("import"):
        lead = LeadFactory()
    with backdated(FIRST + HOUR), act("page", actor=person.pk):
        Lead.objects.filter(pk=lead.pk).update(job_title="CTO")
    record = record_of("lead", lead)
    with CaptureQueriesContext(connection) as asked:
        found = events(record)
    assert len(asked) == 1
    assert [(each.door, each.actor, each.at) for each in found] == [
        ("page", person.pk, FIRST + HOUR),
        ("import", None, FIRST),
    ]
    assert [each.door for each in events(record, Narrowed(door="import"))] == ["import"]
    assert [each.door for each in events(record, Narrowed(person=person.public_id))] == ["page"]
    assert [each.door for each in events(record, Narrowed(since=FIRST + HOUR))] == ["page"]
    assert [each.door for each in events(record, Narrowed(until=FIRST + HOUR))] == ["import"]
