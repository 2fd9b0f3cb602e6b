"""Reports ask what is to be decided, keep it frozen, and do not ask again; decisions live beside them."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.db.utils import IntegrityError

from alignment.actions.report.decide_recommendation import DecisionRefused, decide_recommendation
from alignment.actions.report.present_recommendations import outcome
from alignment.actions.report.render_report import render_email
from alignment.models import Recommendation, WeeklyReport
from alignment.queries.report import is_sealed
from leads.models import Campaign, CampaignCost, Company, User
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, WEEK, named, report
from tests.leads.factories import CampaignFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
State = Recommendation.State
NEXT = MONDAY + timedelta(weeks=1)


def spend(campaign: Campaign, cents: int, day: datetime) -> None:
    CampaignCost.objects.create(
        campaign=campaign,
        spent_on=day.date(),
        amount_cents=cents,
        currency="EUR",
        reporting_cents=cents,
        recorded_at=day,
    )


@pytest.fixture
def banner(company: Company) -> Campaign:
    campaign = CampaignFactory(name="Banner")
    spend(campaign, 7_485_100, world.on(10))
    return campaign


def decide(row: Recommendation, by: User, at: datetime = MONDAY + timedelta(days=1), **more: object) -> None:
    given = {"is_dismissed": False, "reason": "Halved from December on.", **more}
    decide_recommendation(recommendation=row, by=by, at=at, **given)  # type: ignore[arg-type]


def test_a_report_asks_an_open_question_with_evidence_and_says_how_small_the_sample_is(banner: Campaign) -> None:
    made = report()
    row = Recommendation.objects.get()
    assert row.question == "Should Banner keep its budget?"
    assert made.content["headline"]["decision"] == row.question
    assert (row.state, row.subject, row.week) == (State.OPEN, str(banner.public_id), "2026-W46")
    assert row.caution.startswith("No won deal is attributed to it: too few")
    assert row.evidence[0]["text"] == "€74,851"
    assert made.content["recommendations"][0]["id"] == str(row.public_id)
    assert is_sealed(made)


def test_it_is_not_asked_again_and_the_next_report_tells_its_outcome(banner: Campaign, director: User) -> None:
    report()
    row = Recommendation.objects.get()
    again = report(Week(2026, 47), NEXT)
    assert Recommendation.objects.count() == 1
    assert [each["id"] for each in again.content["recommendations"]] == [str(row.public_id)]
    assert again.content["last_recommendations"][0]["outcome"] == "Open"
    assert again.content["last_recommendations"][0]["is_answered"] is False
    assert again.content["headline"]["decision"] == f"Nothing new to decide; still open: {row.question}"
    decide(row, named(director, "Dana Moor"), NEXT + timedelta(days=1))
    third = report(Week(2026, 48), NEXT + timedelta(weeks=1))
    assert third.content["recommendations"] == []
    (told,) = third.content["last_recommendations"]
    assert told["outcome"] == "Decided by Dana Moor on 24 Nov 2026: Halved from December on."
    assert told["is_answered"] is True
    assert third.content["headline"]["decision"] == "No decision is needed: carry on as planned."
    assert report(Week(2026, 49), NEXT + timedelta(weeks=2)).content["last_recommendations"] == []


def test_a_dismissed_one_comes_back_only_when_spend_changed_by_a_quarter(banner: Campaign, director: User) -> None:
    report()
    decide(Recommendation.objects.get(), director, is_dismissed=True)
    spend(banner, 1_000_000, world.on(17))
    assert report(Week(2026, 47), NEXT).content["recommendations"] == []
    spend(banner, 1_000_000, world.on(24))
    made = report(Week(2026, 48), NEXT + timedelta(weeks=1))
    (kept,) = made.content["recommendations"]
    assert kept["changed"] == "Asked again, as its spend rose by 27%."
    assert Recommendation.objects.filter(state=State.OPEN).count() == 1


def test_an_open_one_is_replaced_when_it_is_asked_anew(banner: Campaign) -> None:
    report()
    spend(banner, 9_000_000, world.on(17))
    made = report(Week(2026, 47), NEXT)
    old, new = Recommendation.objects.order_by("pk")
    assert (old.state, old.reason) == (State.REPLACED, new.changed)
    assert made.content["last_recommendations"][0]["outcome"] == "Asked again in this report"
    assert made.content["last_recommendations"][0]["is_answered"] is False
    assert [each["id"] for each in made.content["recommendations"]] == [str(new.public_id)]
    with pytest.raises(IntegrityError):
        Recommendation.objects.filter(pk=old.pk).update(state=State.OPEN, closed_at=None)


def test_the_frozen_report_keeps_what_was_asked_whatever_is_decided(banner: Campaign, director: User) -> None:
    made = report()
    before = deepcopy(made.content)
    decide(Recommendation.objects.get(), director)
    made.refresh_from_db()
    assert made.content == before
    assert is_sealed(made)


def test_a_decision_after_publication_is_open_in_a_report_of_before_it(
    banner: Campaign, director: User, company: Company
) -> None:
    report()
    row = Recommendation.objects.get()
    decide(row, director, NEXT + timedelta(hours=1))
    row.refresh_from_db()
    made = report(Week(2026, 47), NEXT)
    assert made.content["last_recommendations"][0]["outcome"] == "Open"
    assert made.content["last_recommendations"][0]["is_answered"] is False
    assert outcome(row=row, tz=company.tz).startswith("Decided")


@pytest.mark.parametrize(("reason", "why"), [("  ", "Say what was decided"), ("x" * 501, "at most 500")])
def test_a_decision_has_a_reason(banner: Campaign, director: User, reason: str, why: str) -> None:
    report()
    with pytest.raises(DecisionRefused, match=why):
        decide(Recommendation.objects.get(), director, reason=reason)
    assert Recommendation.objects.get().state == State.OPEN


@pytest.mark.parametrize(
    ("role", "may"), [("marketing_director", True), ("sales_leader", True), ("admin", True), ("sales_rep", False)]
)
def test_who_decides(banner: Campaign, role: str, may: bool) -> None:
    report()
    row, by = Recommendation.objects.get(), UserFactory(role=role)
    if may:
        decide(row, by)
    else:
        with pytest.raises(DecisionRefused, match="Marketing directors, sales leaders and admins"):
            decide(row, by)
    assert Recommendation.objects.get().state == (State.DECIDED if may else State.OPEN)


def test_the_first_decision_stands(banner: Campaign, director: User) -> None:
    report()
    row = Recommendation.objects.get()
    decide(row, director)
    with pytest.raises(DecisionRefused, match="already"):
        decide(row, director, is_dismissed=True)
    assert Recommendation.objects.get().state == State.DECIDED


def test_a_week_that_is_published_after_a_later_one_asks_nothing(banner: Campaign) -> None:
    later = report(Week(2026, 47), NEXT)
    assert report(at=NEXT).content["recommendations"] == []
    row = Recommendation.objects.get()
    assert (row.week, row.state) == (later.week, State.OPEN)


def test_so_many_are_listed_again_and_the_others_counted(company: Company) -> None:
    for number in range(8):
        spend(CampaignFactory(name=f"Banner {number}"), 1_000_000, world.on(10))
    weeks = [report(WEEK.next(number), MONDAY + timedelta(weeks=number)) for number in range(4)]
    assert [len(made.content["recommendations"]) for made in weeks] == [3, 6, 7, 5]
    assert [made.content["recommendations_more"] for made in weeks] == [
        "", "", "1 more recommendation of earlier weeks is open.", "3 more recommendations of earlier weeks are open.",
    ]  # fmt: skip
    _, text, html = render_email(report=weeks[-1], company_name="")
    assert "3 more recommendations of earlier weeks are open." in text
    assert "3 more recommendations of earlier weeks are open." in html


def test_reports_that_are_published_twice_ask_once(banner: Campaign) -> None:
    report()
    report(at=MONDAY + timedelta(hours=1))
    assert Recommendation.objects.count() == 1


def test_mails_say_what_the_report_says(banner: Campaign, director: User) -> None:
    first = report()
    decide(Recommendation.objects.get(), director)
    second = report(Week(2026, 47), NEXT)
    for made in (first, second):
        _, text, html = render_email(report=made, company_name="Acme")
        said = [kept[name] for kept in made.content["recommendations"] for name in ("question", "grounds", "caution")]
        said += [each[name] for each in made.content["last_recommendations"] for name in ("question", "outcome")]
        assert said
        for each in said:
            assert each in " ".join(text.split())
            assert each in " ".join(unescape(html).split())


def test_reports_of_before_have_none_and_still_open(company: Company, banner: Campaign) -> None:
    made = report()
    old = {name: value for name, value in made.content.items() if "recommendations" not in name}
    WeeklyReport.objects.filter(pk=made.pk).update(content=old)
    Recommendation.objects.all().delete()
    with backdated(NEXT):
        assert report(Week(2026, 47), NEXT).content["last_recommendations"] == []
    made.refresh_from_db()
    assert render_email(report=made, company_name="")
    assert Week.parse(made.week) == WEEK
