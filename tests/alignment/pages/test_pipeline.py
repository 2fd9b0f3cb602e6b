"""The pipeline page: factors that give the velocity, stages, movement, cohort, open deals."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from alignment.figures import cohorts
from alignment.figures.cohorts import captured_cohort
from alignment.figures.stages import Standing, standing
from leads.figures import selection
from leads.figures.base import Figure, Scope, definition, figure
from leads.figures.deals import open_deals
from leads.models import Company, Opportunity, OpportunityChange, User
from leads.past.acting import backdated
from leads.pure.week import Period
from tests.leads.factories import LeadFactory, OpportunityFactory, stage
from tests.leads.figures import world
from tests.leads.figures.world import TZ, on, scope

Q4 = Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), TZ)


@pytest.fixture(autouse=True)
def at_ten(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """The clock is read at the door; here it stands at the tests' moment."""
    monkeypatch.setattr("leads.past.deemed.timezone.now", lambda: now)


@pytest.fixture
def made(company: Company):
    with backdated(on(1, month=10)):
        return world.build()


@pytest.fixture
def signed_in(client: Client, sales_leader: User) -> Client:
    client.force_login(sales_leader)
    return client


def tiles(context, name: str) -> dict[str, str]:
    return {tile.name: tile.text for tile in context[name]}


def test_four_factors_give_the_fifth(made, signed_in: Client) -> None:
    shown = signed_in.get(reverse("alignment:pipeline")).context
    assert tiles(shown, "factors") == {
        "Open opportunities": "4",
        "Win rate": "75.0%",
        "Average deal size": "€2,000",
        "Sales cycle, won deals": "34 days",
    }
    assert shown["velocity"].text == "€176 / day"
    assert shown["period"] == "Q4 2026, 1 Oct – 31 Dec 2026"


def test_every_tile_opens_a_figure_of_the_same_value(made, signed_in: Client) -> None:
    shown = signed_in.get(reverse("alignment:pipeline")).context
    listed = [shown["velocity"], shown["stalled"]]
    for name in ("factors", "outcomes", "movement", "conversions"):
        listed += shown[name]
    for tile in listed:
        opened = signed_in.get(tile.url).content.decode()
        assert (tile.text if tile.text != "unknown" else "Unknown") in opened.replace(".00", "") or "€" in tile.text


def stood(asked: Scope) -> Standing:
    return standing(open_deals(asked), selection.moment(asked))


def test_stages_add_up_to_the_open_pipeline(made) -> None:
    asked = scope(Q4)
    lines = stood(asked).lines
    assert [(line.stage.key, line.count, line.cents, line.unpriced) for line in lines] == [
        ("qualification", 3, 100_001, 2),
        ("discovery", 1, 200_000, 0),
        ("proposal", 0, 0, 0),
        ("negotiation", 0, 0, 0),
    ]
    assert sum(line.cents for line in lines) == figure("pipeline.open", asked).value
    assert sum(line.weighted_cents for line in lines) == figure("pipeline.weighted", asked).value
    assert sum(line.stalled for line in lines) == figure("pipeline.stalled", asked).value == 1
    assert lines[2].median_days is None
    # Opened on the 8th, 9th and 10th at 9:00; the middle one is 12 days and an hour old.
    assert lines[0].median_days == pytest.approx(12 + 1 / 24)


@pytest.mark.parametrize("key", ["pipeline.open_count", "pipeline.weighted", "pipeline.stalled"])
@pytest.mark.parametrize("is_known", [True, False])
def test_stocks_told_by_the_open_deals_are_the_figures(made, key: str, *, is_known: bool) -> None:
    """Unknown ones among them: where no open deal has an amount, and where there is no deal at all."""
    if not is_known:
        OpportunityChange.objects.update(amount_cents=None)
        Opportunity.objects.update(amount_cents=None, reporting_cents=None)
    for period in (Q4, Period.of_dates(date(2026, 7, 1), date(2026, 10, 1), TZ)):
        asked = scope(period)
        one = figure(key, asked)
        told = Figure.of(definition(key), asked, {}, stood(asked).tallies(key))
        assert told.value == one.value
        assert told.lacking == one.lacking


def test_cohort_counts_who_may_still_come(made) -> None:
    """Captured in November: a is a customer, b accepted, c sent back, d an MQL, e a lead."""
    steps = {step.stage: (step.reached, step.pending) for step in captured_cohort(scope()).steps()}
    assert steps == {
        "lead": (5, 0),
        "mql": (4, 1),  # e
        "sal": (2, 1),  # d; c was sent back
        "sql": (1, 1),  # b
        "opportunity": (1, 0),
        "customer": (1, 0),
    }


@pytest.mark.parametrize("key", list(cohorts.CONVERSIONS))
def test_conversions_told_by_cohorts_are_the_figures(made, key: str) -> None:
    """Also of a period in which nobody entered a stage."""
    for period in (Q4, Period.of_dates(date(2026, 7, 1), date(2026, 10, 1), TZ)):
        asked = scope(period)
        told = cohorts.conversions(asked, captured_cohort(asked))[key]
        one = figure(key, asked)
        assert {name: tally.total for name, tally in told.items()} == {
            name: one.totals[name] for name in ("numerator", "denominator")
        }


def test_movement_is_of_this_week(made, signed_in: Client) -> None:
    shown = signed_in.get(reverse("alignment:pipeline"), {"as_of": "2026-11-13"}).context
    assert str(shown["week"]) == "2026-W46"
    assert tiles(shown, "movement") == {
        "Opportunities created": "2",
        "Moved forward": "1",
        "Moved backward": "0",
        "Deals won": "0",
        "Deals lost": "0",
    }
    # As of Friday; the deal won on Sunday counts when the week is over.
    shown = signed_in.get(reverse("alignment:pipeline"), {"as_of": "2026-11-15"}).context
    assert tiles(shown, "movement")["Deals won"] == "1"


def test_unfinished_cohorts_are_hatched(made, signed_in: Client) -> None:
    assert "not finished: may still come" in signed_in.get(reverse("alignment:pipeline")).content.decode()


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Old open", "Open", "No amount", "No rate"]),
        ({"sort": "amount"}, ["Open", "Old open", "No amount", "No rate"]),  # unknown last on every database
        ({"sort": "name"}, ["No amount", "No rate", "Old open", "Open"]),
        ({"sort": "-name"}, ["Open", "Old open", "No rate", "No amount"]),
        ({"sort": "-in_stage"}, ["Old open", "Open", "No amount", "No rate"]),
        ({"sort": "in_stage"}, ["No rate", "No amount", "Open", "Old open"]),
        ({"stage": "discovery"}, ["Old open"]),
        ({"stalled": "on"}, ["Old open"]),
        ({"stage": "qualification", "sort": "opened"}, ["Open", "No amount", "No rate"]),
    ],
)
def test_open_deals_sort_and_filter_and_their_file_is_the_same(made, signed_in: Client, asked, names) -> None:
    address = reverse("alignment:pipeline")
    shown = [line["deal"].name for line in signed_in.get(address, asked).context["deals"]]
    assert shown == names
    file = signed_in.get(address, {**asked, "export": "csv"}).content.decode("utf-8-sig")
    assert [row["Opportunity"] for row in csv.DictReader(io.StringIO(file))] == shown


def test_owner_and_territory_narrow_everything(made, signed_in: Client) -> None:
    address = reverse("alignment:pipeline")
    by_owner = signed_in.get(address, {"owner": str(made.ann.public_id)}).context
    assert {line["deal"].name for line in by_owner["deals"]} == {"Open", "Old open"}
    south = signed_in.get(address, {"territory": made.south.pk}).context
    assert {line["deal"].name for line in south["deals"]} == {"No amount", "No rate"}
    assert tiles(south, "factors")["Open opportunities"] == "2"


def test_a_rep_sees_only_their_deals_and_no_owner_filter(made, client: Client) -> None:
    client.force_login(made.ann)
    shown = client.get(reverse("alignment:pipeline"), {"owner": str(made.ben.public_id)}).context
    assert {line["deal"].name for line in shown["deals"]} == {"Open", "Old open"}
    assert tiles(shown, "factors")["Open opportunities"] == "2"
    assert "owner" not in shown["form"].fields


def test_an_empty_company_says_so(company: Company, signed_in: Client) -> None:
    page = signed_in.get(reverse("alignment:pipeline"))
    assert page.context["velocity"].text == "unknown"
    assert "No open deals here" in page.content.decode()


def test_bad_filters_are_named(company: Company, signed_in: Client) -> None:
    page = signed_in.get(reverse("alignment:pipeline"), {"stage": "limbo", "to": "soon"})
    assert page.status_code == 400
    assert set(page.context["form"].errors) == {"stage", "to"}


def test_queries_do_not_grow_with_rows(made, signed_in: Client, django_assert_max_num_queries) -> None:
    for number in range(30):
        LeadFactory(captured_at=on(1 + number % 20))
        OpportunityFactory(opened_at=on(1 + number % 20), stage=stage("proposal"), owner=made.ann)
    with django_assert_max_num_queries(72):
        signed_in.get(reverse("alignment:pipeline"))


Q3 = {"from": "2026-07-01", "to": "2026-09-30"}


def test_stages_of_a_past_period_are_those_of_then_and_open_their_rows(company: Company, signed_in: Client) -> None:
    deal = OpportunityFactory(opened_at=on(1, month=8), stage=stage("won"), status="won", closed_at=on(9))
    for key, day in (("discovery", on(1, month=8)), ("won", on(9))):
        OpportunityChange.objects.create(
            opportunity=deal,
            stage=stage(key),
            status=stage(key).status,
            amount_cents=100_000,
            currency="EUR",
            changed_at=day,
            recorded_at=day,
            source_key=key,
        )
    shown = signed_in.get(reverse("alignment:pipeline"), Q3).context
    lines = {line["key"]: line for line in shown["stages"]}
    assert [key for key, line in lines.items() if line["line"].count] == ["discovery"]
    assert [(line["stage"], line["days"]) for line in shown["deals"]] == [("Discovery", 60)]
    for address in (lines["discovery"]["url"], lines["discovery"]["count_url"]):
        assert signed_in.get(address).context["rows"][0][0].text == deal.name
    stalled = signed_in.get(reverse("alignment:pipeline"), {**Q3, "stage": "discovery", "stalled": "on"}).context
    assert [line["deal"] for line in stalled["deals"]] == [deal]
    assert shown["stalled"].text == "1"


@pytest.mark.parametrize(
    ("asked", "title", "label"),
    [
        (Q3, "Movement in the period's last week", "Week 39, 21–27 Sep 2026"),
        ({"from": "2026-10-05", "to": "2026-10-11"}, "Movement in the period's last week", "Week 41, 5–11 Oct 2026"),
        ({"from": "2026-09-28", "to": "2026-09-30"}, "Movement in the period's last week", "Week 40, 28–30 Sep 2026"),
        ({}, "This week's movement", "Week 47, 16–22 Nov 2026"),
    ],
)
def test_movement_of_a_past_period_is_of_its_own_last_week(company, signed_in: Client, asked, title, label) -> None:
    page = signed_in.get(reverse("alignment:pipeline"), asked)
    assert (page.context["week_title"], page.context["week_label"]) == (title, label)


def test_amounts_nobody_knows_are_unknown_with_their_number(company: Company, signed_in: Client) -> None:
    OpportunityFactory(amount_cents=None, opened_at=on(3))
    shown = signed_in.get(reverse("alignment:pipeline")).context
    created, weighted = shown["outcomes"][0], shown["outcomes"][2]
    assert (created.text, created.notes) == (weighted.text, weighted.notes) == ("unknown", ("1 row lacks its amount",))
    assert "1 row lacks its amount: the sum is not known." in signed_in.get(created.url).content.decode()
