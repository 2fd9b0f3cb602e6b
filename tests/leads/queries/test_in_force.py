"""Settings are kept while no row of them differs, whoever wrote it."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from leads.models import Channel, ChannelRule, Company, RepAbsence, ScoringRule, Territory, TerritoryRule
from leads.queries.in_force import in_force
from leads.queries.routing import RuleBook
from leads.queries.scoring import rules_in_force
from tests.leads.factories import TerritoryFactory, UserFactory, rule

pytestmark = pytest.mark.django_db


def test_unchanged_settings_cost_one_statement_and_are_the_same() -> None:
    before = in_force()
    with CaptureQueriesContext(connection) as asked:
        again = in_force()
    assert len(asked) == 1
    assert again is before


def test_a_bulk_update_is_seen() -> None:
    in_force()
    Company.objects.update(follow_up_hours=7)
    assert in_force().company.follow_up_hours == 7


def test_raw_sql_is_seen() -> None:
    in_force()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE leads_channel SET name = 'Paid ads' WHERE key = 'direct'")
    assert in_force().channels["direct"].name == "Paid ads"


def test_every_table_of_settings_is_looked_at() -> None:
    territory = TerritoryFactory()
    first = RuleBook.in_force(in_force())
    rule(territory=territory)
    second = RuleBook.in_force(in_force())
    assert len(second.rules.ordered) == len(first.rules.ordered) + 1
    RepAbsence.objects.create(rep=UserFactory(), starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 2))
    assert list(in_force().absences.values()) == [[(date(2026, 1, 1), date(2026, 1, 2))]]
    Territory.objects.filter(pk=territory.pk).update(name="North")
    assert "North" in [each.name for each in in_force().territories]
    ChannelRule.objects.all().delete()
    assert in_force().channel_rules == []
    was = rules_in_force(in_force())
    ScoringRule.objects.update(points=1)
    now = rules_in_force(in_force())
    assert was is not None
    assert now is not None
    assert {each.points for each in now.scorer.rule_set.rules} == {1}
    TerritoryRule.objects.update(is_active=False)
    assert RuleBook.in_force(in_force()).rules.ordered == []


def test_a_change_that_is_rolled_back_leaves_nothing() -> None:
    before = Channel.objects.get(key="direct").name
    with pytest.raises(RuntimeError), transaction.atomic():
        Channel.objects.filter(key="direct").update(name="Something else")
        assert in_force().channels["direct"].name == "Something else"
        raise RuntimeError
    assert in_force().channels["direct"].name == before


def test_what_changes_while_it_is_made_ready_is_not_kept() -> None:
    settings = in_force()
    Channel.objects.filter(key="direct").update(name="Another")
    late = settings.once("names", lambda: Channel.objects.get(key="direct").name)
    assert late == "Another"
    Channel.objects.filter(key="direct").update(name=settings.channels["direct"].name)
    assert in_force().once("names", lambda: Channel.objects.get(key="direct").name) == settings.channels["direct"].name
