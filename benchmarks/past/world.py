"""A made-up funnel of any size, by SQL: copies of one row of each kind with what matters drawn anew."""

from __future__ import annotations

from typing import Any


def fill(touches: int, deals: int) -> None:
    """Rows by SQL, copies of one row of each kind with what matters drawn anew; recorded as one change."""
    from django.db import connection

    from leads.models import (
        CampaignCost,
        FollowUp,
        Lead,
        LifecyclePassage,
        Opportunity,
        OpportunityChange,
        OpportunityContact,
        Touchpoint,
    )
    from leads.past.install import drop_triggers, install
    from tests.leads import factories

    drop_triggers(connection)
    owner, area = factories.UserFactory(), factories.TerritoryFactory()
    campaigns = factories.CampaignFactory.create_batch(50)
    lead = factories.LeadFactory(owner=owner, territory=area, campaign=campaigns[0], channel=campaigns[0].channel)
    touch = factories.TouchpointFactory(lead=lead, campaign=campaigns[0])
    deal = factories.OpportunityFactory(owner=owner, territory=area)
    contact = OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    at = factories.START
    passage = LifecyclePassage.objects.create(lead=lead, from_stage="lead", to_stage="mql", passed_at=at)
    follow_up = FollowUp.objects.create(lead=lead, owner=owner, because="", planned_at=at, due_at=at)
    cost = CampaignCost.objects.create(
        campaign=campaigns[0],
        spent_on=at.date(),
        amount_cents=1,
        currency="EUR",
        reporting_cents=1,
        recorded_at=at,
    )
    first = {model: each.pk for model, each in ((Lead, lead), (Opportunity, deal))}
    change = OpportunityChange.objects.create(
        opportunity=deal, stage=deal.stage, status="open", amount_cents=1, currency="EUR", changed_at=at,
        recorded_at=at, source_key="0",
    )  # fmt: skip
    people = touches // 5
    of_lead = f"{first[Lead]} + i * 7919 % {people}"
    same = f"{first[Lead]} + i"
    in_year = moment("i * 7919 % 28000000")
    one_campaign = f"{campaigns[0].pk} + i * 31 % 50"
    won, lost = factories.stage("won").pk, factories.stage("lost").pk
    state = "CASE WHEN i % 3 = 0 THEN {} WHEN i % 3 = 1 THEN {} ELSE {} END"
    copies(
        Lead, lead.pk, people,
        email="'p' || i || '@x' || (i % 5000) || '.example'", captured_at=in_year, changed_at=in_year,
        campaign_id=one_campaign, stage="CASE WHEN i % 4 = 0 THEN 'mql' ELSE 'lead' END",
    )  # fmt: skip
    copies(Touchpoint, touch.pk, touches, lead_id=of_lead, campaign_id=one_campaign, occurred_at=in_year,
           recorded_at=in_year, dedupe_key="'t' || i")  # fmt: skip
    copies(
        Opportunity, deal.pk, deals,
        status=state.format("'won'", "'lost'", "'open'"), stage_id=state.format(won, lost, deal.stage_id),
        amount_cents="10000 + i % 977 * 100", reporting_cents="10000 + i % 977 * 100", opened_at=in_year,
        closed_at=state.format(moment("i * 7919 % 28000000 + 900000"), moment("i * 7919 % 28000000 + 900000"), "NULL"),
        stage_changed_at=in_year, changed_at=in_year,
    )  # fmt: skip
    copies(OpportunityContact, contact.pk, deals, opportunity_id=f"{first[Opportunity]} + i", lead_id=same)
    copies(OpportunityChange, change.pk, 2 * deals, opportunity_id=f"{first[Opportunity]} + i / 2",
           changed_at=in_year, recorded_at=in_year, source_key="'k' || i")  # fmt: skip
    copies(LifecyclePassage, passage.pk, people // 2, lead_id=f"{first[Lead]} + i * 2 % {people}", passed_at=in_year,
           to_stage="CASE WHEN i % 3 = 0 THEN 'sql' ELSE 'mql' END")  # fmt: skip
    copies(FollowUp, follow_up.pk, people // 4, lead_id=f"{first[Lead]} + i * 4 % {people}",
           planned_at=moment("i * 15838 % 28000000 + 60"), due_at=moment("i * 15838 % 28000000 + 90000"),
           done_at=moment("i * 15838 % 28000000 + 50000"),
           outcome="'reached'")  # fmt: skip
    copies(CampaignCost, cost.pk, 50 * 300, campaign_id=f"{campaigns[0].pk} + i % 50", amount_cents="i",
           reporting_cents="i", spent_on=day("i / 50"))  # fmt: skip
    install(connection)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def moment(seconds: str) -> str:
    """SQL of a moment of 2026, by seconds from its start."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return f"timestamptz '2026-01-01 00:00:00+00' + ({seconds}) * interval '1 second'"
    return f"datetime('2026-01-01', ({seconds}) || ' seconds')"


def day(days: str) -> str:
    """SQL of a day of 2026."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return f"date '2026-01-01' + ({days})::int"
    return f"date('2026-01-01', ({days}) || ' days')"


def copies(model: Any, pk: int, count: int, **drawn: str) -> None:
    """So many copies of a row, numbered ``i`` from 1, with these columns drawn by SQL."""
    from django.db import connection

    is_postgres = connection.vendor == "postgresql"
    drawn["id"] = f"{pk} + i"
    columns = [field.column for field in model._meta.local_concrete_fields]
    if "public_id" in columns:
        drawn["public_id"] = "gen_random_uuid()" if is_postgres else "lower(hex(randomblob(16)))"
    series = (
        f"WITH g AS (SELECT i FROM generate_series(1::bigint, {count}) AS i)"
        if is_postgres
        else f"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {count})"
    )
    table, chosen = model._meta.db_table, ", ".join(drawn.get(column, f't."{column}"') for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({named}) {series} SELECT {chosen} FROM {table} t, g WHERE t.id = {pk}")
        if is_postgres:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
