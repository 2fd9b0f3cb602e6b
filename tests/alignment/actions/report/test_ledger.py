"""The ledger: every difference has its rows, its column, its cause, its author, and adds up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from alignment.actions.report.publish_due import publish_due
from alignment.actions.report.restate import BACK, restate
from alignment.models import ReportRows, Restatement, WeeklyReport
from alignment.queries.report import newest_looks, standing
from attribution.actions.runs.run_attribution import run_attribution
from leads.models import (
    CampaignCost,
    Change,
    Company,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
)
from leads.past.acting import Door, act, backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, build_world, report
from tests.alignment.ledgers import as_published, check_sums, frozen_again, lines, named_rows
from tests.leads.factories import LeadFactory, OpportunityFactory, TouchpointFactory, stage
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = MONDAY + 2 * DAY


def looked(at: datetime = LATER) -> dict[tuple[str, str], Restatement]:
    """What one look notices, each checked to add up."""
    found = {(row.figure, row.item): row for row in restate(at=at)}
    for row in found.values():
        if row.ledger:
            check_sums(row)
    return found


def prepared() -> Any:
    """The hand-worked company, with costs that had been recorded when the report came out."""
    made = build_world()
    CampaignCost.objects.update(recorded_at=MONDAY - DAY)
    return made


def the_line(row: Restatement) -> dict[str, Any]:
    (line,) = lines(row)
    return line


# --- published and asked again ---------------------------------------------------------------------------------------


def test_a_report_asked_as_of_its_publication_is_what_was_frozen(company: Company) -> None:
    made = prepared()
    published = report()
    assert frozen_again(published) == as_published(published)
    with backdated(MONDAY + timedelta(hours=1)):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=999_900, reporting_cents=999_900, owner=made.ben)
        Touchpoint.objects.filter(lead=made.b).delete()
        LeadFactory(captured_at=world.on(11), owner=None)
        made.e.delete()
        CampaignCost.objects.filter(campaign=made.search).update(reporting_cents=7)
        Lead.objects.filter(pk=made.c.pk).update(merged_into=made.a, first_name="Renamed")
        FollowUp.objects.filter(done_at__isnull=True).update(done_at=LATER, outcome="reached")
        Company.objects.update(look_back_days=1, name="Other")
        made.search.name = "Search, renamed"
        made.search.save()
        made.ann.name = "Anna"
        made.ann.save()
    assert frozen_again(published, LATER) != as_published(published)
    assert frozen_again(published) == as_published(published)


def test_eight_weeks_run_live_are_what_was_frozen(company: Company) -> None:
    """Every week something of the weeks before is corrected, and each report keeps to what was known at its moment."""
    with backdated(MONDAY - 100 * DAY):
        made = prepared()
    monday = MONDAY - timedelta(weeks=1)
    for number in range(8):
        monday += timedelta(weeks=1)
        for hour, change in enumerate((_new_business, _corrections, _merges_and_deletions)):
            moment = monday - timedelta(hours=30 - hour)
            with time_machine.travel(moment, tick=False), backdated(moment):
                change(made, number, moment)
        with time_machine.travel(monday, tick=False), backdated(monday):
            run_attribution(at=monday, reason="weekly")
            assert [each.week for each in publish_due(at=monday)] == [str(Week(2026, 46).next(number))]
    reports = list(WeeklyReport.objects.order_by("week"))
    assert len(reports) == 8
    for each in reports:
        assert frozen_again(each) == as_published(each), each.week
    with backdated(monday + DAY):
        restate(at=monday + DAY)
    rows = list(Restatement.objects.exclude(ledger={}))
    assert {row.report.week for row in rows} >= {str(Week(2026, 46).next(number)) for number in range(5)}
    for row in rows:
        check_sums(row)


def _new_business(made: Any, number: int, at: datetime) -> None:
    lead = LeadFactory(captured_at=at, owner=made.ann, campaign=made.search, channel=made.search.channel)
    world.passage(lead, "mql", at)
    world.follow_up(lead, at, at + timedelta(hours=4))
    TouchpointFactory(lead=lead, campaign=made.search, occurred_at=at)
    deal = OpportunityFactory(
        name=f"Deal {number}",
        status="won",
        amount_cents=10_000 * (number + 1),
        opened_at=at - 3 * DAY,
        closed_at=at,
        territory=made.north,
    )
    OpportunityContact.objects.create(opportunity=deal, lead=lead)
    CampaignCost.objects.create(
        campaign=made.search,
        spent_on=at.date(),
        source="weekly",
        amount_cents=500 + number,
        currency="EUR",
        reporting_cents=500 + number,
        recorded_at=at,
    )


def _corrections(made: Any, number: int, at: datetime) -> None:
    deals = Opportunity.objects.filter(name=f"Deal {number - 1}")
    deals.update(amount_cents=77_700 + number, reporting_cents=77_700 + number)
    waiting = FollowUp.objects.filter(done_at__isnull=True).order_by("pk").first()
    if waiting:
        FollowUp.objects.filter(pk=waiting.pk).update(done_at=at, outcome="reached")
    CampaignCost.objects.filter(campaign=made.search, amount_cents=500 + number - 2).update(reporting_cents=900)


def _merges_and_deletions(made: Any, number: int, at: datetime) -> None:
    leads = list(Lead.objects.filter(campaign=made.search, merged_into__isnull=True).order_by("-captured_at")[1:3])
    if number % 3 == 1 and len(leads) == 2:
        Lead.objects.filter(pk=leads[0].pk).update(merged_into=leads[1])
    if number % 3 == 2:
        Touchpoint.objects.filter(lead__in=leads).delete()


# --- cases -----------------------------------------------------------------------------------------------------------


def test_one_amount_changed_is_one_row_with_its_author(company: Company) -> None:
    """The deals that moved on meanwhile are not named."""
    made = prepared()
    report()
    with backdated(MONDAY + DAY):
        Opportunity.objects.filter(pk=made.open.pk).update(stage=stage("negotiation"), stage_changed_at=MONDAY + DAY)
    with backdated(MONDAY + DAY), act(Door.PAGE, actor=made.ben.pk, because="Admin"):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=1_300_000, reporting_cents=1_300_000)
    row = looked()["pipeline.won", ""]
    line = the_line(row)
    assert (row.published_value, row.current_value) == (300_000, 1_300_000)
    assert line["amount"] == 1_000_000
    assert line["row"] == "Won"
    assert line["url"] == f"/opportunities/{made.won.public_id}"
    assert line["columns"] == [{"of": "Deal", "label": "Amount", "before": "€3,000.00", "after": "€13,000.00"}]
    assert (line["by"], line["door"], line["because"], line["day"]) == ("Ben", "page", "Admin", "17 Nov 2026")
    assert named_rows(row) == {("leads_opportunity", made.won.pk)}
    assert [cause["words"] for cause in row.ledger["causes"]] == ["Deal amount changed"]


def test_writers_of_the_same_moment_are_all_named(company: Company) -> None:
    """A lead that an API key moves on and a job assigns at once left the unassigned by both."""
    made = prepared()
    with backdated(MONDAY - DAY):
        lead = LeadFactory(captured_at=world.on(11), owner=None, stage="subscriber")
    report()
    with backdated(MONDAY + timedelta(hours=1)):
        with act(Door.API, source="Website", because="leads:write"):
            Lead.objects.filter(pk=lead.pk).update(stage="lead")
        with act(Door.JOB, source="Finish intake", because="Scheduled work"):
            Lead.objects.filter(pk=lead.pk).update(owner=made.ann)
    line = the_line(looked()["quality.unassigned", ""])
    assert line["by"] == "Website, Finish intake"
    assert line["door"] == "API, job"
    assert line["because"] == "leads:write, Scheduled work"


def test_an_answer_after_publication_is_no_correction(company: Company) -> None:
    lead = LeadFactory(captured_at=world.on(10))
    answered = world.follow_up(LeadFactory(), world.on(10, 9), world.on(10, 13), world.on(10, 10))
    waiting = world.follow_up(lead, world.on(11, 9), world.on(11, 13))
    report()
    with backdated(MONDAY + DAY):
        FollowUp.objects.filter(pk=waiting.pk).update(done_at=MONDAY + DAY, outcome="reached")
        world.follow_up(lead, MONDAY + DAY, MONDAY + 2 * DAY)
    row = looked()["leads.speed_to_lead", ""]
    assert not row.is_correction
    (cause,) = row.ledger["causes"]
    assert (cause["words"], cause["count"], cause["is_correction"]) == ("Answered after publication", 1, False)
    assert named_rows(row) == {("leads_followup", waiting.pk)}
    assert the_line(row)["what"] == "came"
    assert answered.pk != waiting.pk


def test_a_deleted_touch_moves_credit_between_campaigns(company: Company) -> None:
    """The whole of attributed revenue stays, the campaigns' rows do not."""
    with backdated(MONDAY - 30 * DAY):
        made = prepared()
        touch = TouchpointFactory(lead=made.b, campaign=made.expo, occurred_at=world.on(8))
    run_attribution(at=MONDAY, reason="test")
    published = report()
    with backdated(MONDAY + DAY), act(Door.ADMIN, actor=made.ben.pk):
        gone = touch.pk
        touch.delete()
    found = looked()
    assert ("attribution.revenue", "") not in found
    search, expo = (str(campaign.public_id) for campaign in (made.search, made.expo))
    lost, won = found["attribution.revenue", expo], found["attribution.revenue", search]
    before = {row["id"]: row["week_revenue"] for row in published.content["campaigns"]["best"]}
    assert (lost.published_value, lost.current_value) == (before[expo], 0) == (75_000, 0)
    # A quarter of the deal to each of four touches became a third to each of three; one of them is of no campaign.
    assert (won.published_value, won.current_value) == (before[search], 200_000) == (150_000, 200_000)
    assert named_rows(lost) == named_rows(won) == {("leads_touchpoint", gone)}
    assert {cause["words"] for row in (lost, won) for cause in row.ledger["causes"]} == {"Touchpoint deleted"}
    assert lines(lost)[0]["door"] == "administration"


def test_a_ratio_of_two_causes_names_each_and_their_meeting(company: Company) -> None:
    made = prepared()
    published = report()
    with backdated(MONDAY + DAY):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=600_000, reporting_cents=600_000)
    with backdated(MONDAY + DAY + timedelta(hours=1)):
        CampaignCost.objects.create(
            campaign=made.expo,
            spent_on=date(2026, 11, 12),
            amount_cents=50_000,
            currency="EUR",
            reporting_cents=50_000,
            recorded_at=MONDAY + DAY,
        )
    row = looked()["attribution.roi", ""]
    figures = published.content["figures"]["attribution.roi"]["parts"]
    revenue, cost = (next(part["total"] for part in figures if part["name"] == name) for name in ("revenue", "cost"))
    effects = {cause["words"]: cause["effect"] for cause in row.ledger["causes"]}
    assert effects["Deal amount changed"] == pytest.approx((revenue + 300_000) / cost - revenue / cost)
    assert effects["Cost recorded late"] == pytest.approx(revenue / (cost + 50_000) - revenue / cost)
    whole = (revenue + 300_000) / (cost + 50_000) - revenue / cost
    assert row.ledger["interaction"] == pytest.approx(whole - sum(effects.values()))
    assert row.ledger["interaction"] != pytest.approx(0)
    assert {part["label"]: part["change"] for part in row.ledger["parts"]} == {
        "Credits of won deals": 300_000,
        "Costs reported": 50_000,
    }


def test_a_number_that_came_back_is_no_longer_listed(company: Company) -> None:
    made = prepared()
    published = report()
    with backdated(MONDAY + DAY):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=310_000, reporting_cents=310_000)
    assert ("pipeline.won", "") in looked()
    with backdated(LATER + DAY):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=300_000, reporting_cents=300_000)
    back = looked(LATER + 2 * DAY)
    assert back["pipeline.won", ""].cause == BACK
    assert standing(newest_looks(published).values()) == []
    assert looked(LATER + 3 * DAY) == {}


def test_a_merge_is_named_by_the_lead_that_went(company: Company) -> None:
    a, b = (LeadFactory(captured_at=world.on(10)) for _ in range(2))
    for lead in (a, b):
        world.passage(lead, "mql", world.on(10))
    report()
    with backdated(MONDAY + DAY):
        Lead.objects.filter(pk=a.pk).update(merged_into=b)
    row = looked()["leads.mqls", ""]
    line = the_line(row)
    assert (row.published_value, row.current_value, line["amount"]) == (2, 1, -1)
    assert line["columns"] == [{"of": "Lead", "label": "Merged into", "before": "–", "after": str(b)}]
    assert named_rows(row) == {("leads_lead", a.pk)}
    assert line["people"] == sorted(
        [str(a.public_id), str(b.public_id)], key=[str(a.public_id), str(b.public_id)].index
    )


def test_a_split_is_restated_with_the_rows_of_its_figures(company: Company) -> None:
    made = prepared()
    report()
    with backdated(MONDAY + DAY):
        Opportunity.objects.filter(name="Old win").update(amount_cents=150_000, reporting_cents=150_000)
    found = looked()
    before = found["pipeline.won-before", ""]
    assert before.current_value - before.published_value == 50_000
    parts = [row for (entry, _), row in found.items() if entry == "split"]
    assert sum(row.current_value - row.published_value for row in parts) == -50_000
    assert {pk for row in parts for _, pk in named_rows(row)} == {Opportunity.objects.get(name="Old win").pk}
    assert made.won.pk not in {pk for row in parts for _, pk in named_rows(row)}


def test_two_changes_of_one_row_are_two_lines_that_add_up(company: Company) -> None:
    made = prepared()
    report()
    for hour, cents in enumerate((310_000, 290_000), start=1):
        with backdated(MONDAY + timedelta(hours=hour)), act(Door.CRM, source=f"pull {hour}"):
            Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=cents, reporting_cents=cents)
    found = lines(looked()["pipeline.won", ""])
    assert sorted((line["amount"], line["by"]) for line in found) == [(-20_000, "pull 2"), (10_000, "pull 1")]


def test_a_restatement_of_only_age_is_written_once_a_week(company: Company) -> None:
    leads = [LeadFactory(captured_at=world.on(10)) for _ in range(3)]
    for lead in leads:
        world.passage(lead, "mql", world.on(10))
    report()
    for day, lead in enumerate(leads, start=1):
        with backdated(MONDAY + day * DAY):
            world.passage(lead, "sql", MONDAY + day * DAY, "mql")
        looked(MONDAY + day * DAY + timedelta(hours=1))
    key = "leads.conversion.mql_to_sql"
    assert [row.current_value for row in Restatement.objects.filter(figure=key)] == [pytest.approx(1 / 3)]
    assert looked(MONDAY + 9 * DAY)[key, ""].current_value == 1
    with backdated(MONDAY + 10 * DAY):
        LifecyclePassage.objects.filter(lead=leads[0], to_stage="sql").delete()
    assert (key, "") not in looked(MONDAY + 10 * DAY + timedelta(hours=1))
    with backdated(MONDAY + 11 * DAY):
        LifecyclePassage.objects.filter(lead=leads[1], to_stage="mql").delete()
    row = looked(MONDAY + 11 * DAY + timedelta(hours=1))[key, ""]
    assert (row.current_value, row.is_correction) == (0.5, True)


def test_a_report_of_before_keys_is_compared_by_what_its_rows_show(company: Company) -> None:
    made = prepared()
    published = report()
    _as_before(published)
    with backdated(MONDAY + DAY):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=310_000, reporting_cents=310_000)
        CampaignCost.objects.filter(campaign=made.search, spent_on=date(2026, 11, 10)).delete()
    found = looked()
    assert {key for key, item in found if not item} == {
        "pipeline.won",
        "pipeline.sourced-before",
        "spend.total",
        "spend.total-13-weeks",
        "attribution.revenue",
        "attribution.revenue-13-weeks",
        "attribution.roi",
        "quality.missing_cost",
    }
    assert [cause["words"] for cause in found["pipeline.won", ""].ledger["causes"]] == ["Deal amount changed"]
    assert [cause["words"] for cause in found["spend.total", ""].ledger["causes"]] == ["Cost removed"]


def _as_before(made: WeeklyReport) -> None:
    """The report as an earlier release kept it: no keys, no fingerprints, no salts."""
    content = made.content
    for about in content["figures"].values():
        for part in about["parts"]:
            del part["fingerprint"]
    for rows in ReportRows.objects.filter(report=made):
        place = next(place for place, column in enumerate(rows.columns) if column["path"] == "key")
        ReportRows.objects.filter(pk=rows.pk).update(
            columns=[*rows.columns[:place], *rows.columns[place + 1 :]],
            rows=[[*row[:place], *row[place + 1 :]] for row in rows.rows],
            seals=None,
        )
    WeeklyReport.objects.filter(pk=made.pk).update(content=content)


def test_nothing_is_looked_into_where_the_fingerprints_are_the_same(
    company: Company, django_assert_max_num_queries: Any
) -> None:
    prepared()
    report()
    with django_assert_max_num_queries(140):
        assert restate(at=LATER) == []
    assert Change.objects.exists()
