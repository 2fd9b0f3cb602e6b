"""What a report recommends: no claim from few deals, no more than the receiver can take, nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.recommending import (
    FEW_DEALS,
    MOST_NEW,
    Advice,
    Asked,
    CampaignFacts,
    Entries,
    FigureFacts,
    recommend,
    what_changed,
)

ENTRIES = Entries("cost", "revenue")
BANNER = CampaignFacts("b", "Banner", 7_485_100, (100_000,) * 6)
NEWSLETTER = CampaignFacts("n", "Newsletter", 1_729_000, (900_000,) * 12)
MQLS = FigureFacts("leads.mqls", "MQLs", "27", "41", "30 to 60", 27, False)


def asked_of(advice: Advice, *, is_open: bool = True) -> Asked:
    return Asked(advice.subject, is_open, advice.values, advice.receiver, advice.amount or 0)


def made(
    *campaigns: CampaignFacts, figures: tuple[FigureFacts, ...] = (), asked: tuple[Asked, ...] = ()
) -> list[Advice]:
    return recommend(campaigns, figures, asked, currency="EUR", entries=ENTRIES)


def test_a_losing_campaign_and_one_that_pays_make_a_question_that_the_receiver_can_take() -> None:
    (advice,) = made(BANNER, NEWSLETTER)
    assert advice.kind == "move_budget"
    assert advice.question == "Should part of the budget of Banner move to Newsletter?"
    assert advice.amount == NEWSLETTER.cost
    assert (
        "At most €17,290 over 13 weeks, which would double what Newsletter spends now (€190 a day)" in advice.capacity
    )
    assert "what is added usually brings less" in advice.capacity
    assert "€74,851" in advice.grounds
    assert "is attributed €6,000 from 6 won deals" in advice.grounds
    assert [(each.text, each.entry, each.item) for each in advice.evidence[:2]] == [
        ("€74,851", "cost", "b"),
        ("€6,000", "revenue", "b"),
    ]


def test_what_is_open_already_takes_from_the_room_of_the_receiver() -> None:
    other = CampaignFacts("o", "Other", 6_000_000, (90_000,) * 5)
    (first, *_) = made(BANNER, NEWSLETTER)
    found = made(BANNER, other, NEWSLETTER, asked=(asked_of(first),))
    assert [(each.kind, each.subject) for each in found] == [("review_budget", "o")]
    assert "No other campaign that clearly pays" in found[0].capacity
    both = made(BANNER, other, NEWSLETTER)
    assert sum(each.amount or 0 for each in both) <= NEWSLETTER.cost


@pytest.mark.parametrize("number", range(FEW_DEALS))
def test_few_deals_are_said_and_claim_nothing(number: int) -> None:
    advice, *_ = made(CampaignFacts("b", "Banner", 7_485_100, (100_000,) * number), NEWSLETTER)
    assert advice.kind == "review_budget"
    assert advice.question == "Should Banner keep its budget?"
    assert advice.amount is None
    assert "too few to say whether it pays" in advice.caution
    assert "less than it spent" not in advice.grounds
    assert "interval" not in advice.grounds


def test_few_deals_of_a_receiver_are_no_reason_to_move_anything_to_it() -> None:
    lucky = CampaignFacts("l", "Lucky", 5_000_000, (90_000_000,))
    (advice,) = made(BANNER, lucky)
    assert advice.kind == "review_budget"
    assert not advice.receiver


def test_a_return_that_the_interval_does_not_tell_is_not_recommended_about() -> None:
    assert made(CampaignFacts("x", "Even", 1_000_000, (200_000,) * 5)) == []


def test_where_nothing_loses_the_best_may_grow_by_what_it_spends() -> None:
    (advice,) = made(NEWSLETTER, replace(NEWSLETTER, id="m", name="Less", credits=(500_000,) * 12))
    assert (advice.kind, advice.subject, advice.amount) == ("raise_budget", "n", NEWSLETTER.cost)


def test_a_figure_that_left_its_range_asks_who_finds_out_why() -> None:
    (advice,) = made(figures=(MQLS,))
    assert advice.question == "Who finds out by the next meeting why MQLs fell?"
    assert "outside its normal range of 30 to 60" in advice.grounds


@pytest.mark.parametrize("is_open", [True, False])
def test_the_same_is_not_asked_again_open_or_not(is_open: bool) -> None:
    (first,) = made(BANNER, NEWSLETTER)
    nearly = replace(BANNER, cost=round(BANNER.cost * 1.24))
    assert made(nearly, NEWSLETTER, asked=(asked_of(first, is_open=is_open),)) == []


@pytest.mark.parametrize("is_open", [True, False])
def test_a_quarter_more_spend_asks_again_and_says_so(is_open: bool) -> None:
    (first,) = made(BANNER, NEWSLETTER)
    (again,) = made(replace(BANNER, cost=round(BANNER.cost * 1.26)), asked=(asked_of(first, is_open=is_open),))
    assert again.changed == "Asked again, as its spend rose by 26%."


def test_another_sign_of_the_roi_asks_again() -> None:
    (first,) = made(BANNER)
    (again,) = made(replace(BANNER, credits=(3_000_000,) * 6), asked=(asked_of(first, is_open=False),))
    assert again.kind == "raise_budget"
    assert again.changed == "Asked again, as its ROI turned positive."


def test_a_claim_that_was_none_asks_again_and_no_claim_any_more_does_not() -> None:
    few = replace(BANNER, credits=(100_000,) * 4)
    (first,) = made(few)
    (again,) = made(BANNER, asked=(asked_of(first, is_open=False),))
    assert again.changed == "Asked again, as there are enough won deals now to tell its return."
    assert made(few, asked=(asked_of(again, is_open=False),)) == []


def test_a_figure_is_asked_about_again_only_the_other_way_or_a_quarter_off() -> None:
    then = {"value": 27, "is_up": False}
    assert what_changed(then, {"value": 25, "is_up": False}) == ""
    assert what_changed(then, {"value": 20, "is_up": False}) == "it fell by a quarter or more"
    assert what_changed(then, {"value": 28, "is_up": True}) == "it rose this time"
    assert what_changed({"value": 0, "is_up": False}, {"value": 0, "is_up": False}) == ""


facts = st.builds(
    CampaignFacts,
    id=st.sampled_from("abcdefgh"),
    name=st.text(min_size=1, max_size=40),
    cost=st.integers(1, 10**9),
    credits=st.lists(st.integers(0, 10**9), max_size=12).map(tuple),
)


@given(st.lists(facts, max_size=8, unique_by=lambda each: each.id))
def test_no_receiver_is_to_more_than_double_and_no_claim_rests_on_few(campaigns: list[CampaignFacts]) -> None:
    found = made(*campaigns)
    by_id = {each.id: each for each in campaigns}
    assert len(found) <= MOST_NEW
    given_to: dict[str, int] = {}
    for advice in found:
        if advice.receiver:
            given_to[advice.receiver] = given_to.get(advice.receiver, 0) + (advice.amount or 0)
            assert not by_id[advice.receiver].is_few
            assert by_id[advice.receiver].roi > 0
        if by_id[advice.subject].is_few:
            assert advice.caution
            assert advice.amount is None
        assert advice.question.endswith("?")
    assert all(amount <= by_id[key].cost for key, amount in given_to.items())
    asked = tuple(asked_of(each) for each in found)
    assert not {each.subject for each in made(*campaigns, asked=asked)} & {each.subject for each in found}
