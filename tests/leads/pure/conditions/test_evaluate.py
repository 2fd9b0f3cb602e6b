"""Whether conditions hold, why, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.conditions.evaluate import Evaluator, Event, Facts, evaluate
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import LEADS, Operator

TODAY = date(2026, 11, 16)
Op = Operator


def one(property: str, operator: Operator, *values: str | float, **more: object) -> Group:
    return Group((Condition(property, operator, tuple(values), **more),))  # type: ignore[arg-type]


def event(kind: str, days_ago: int, name: str = "") -> Event:
    at = datetime(2026, 11, 16, 9, tzinfo=UTC) - timedelta(days=days_ago)
    return Event(kind, name, at, at.date())


ADA = Facts(
    {
        "job_title": "Interim CTO, EMEA",
        "country": "DE",
        "company_size": 120,
        "postal_code": "10115",
        "email_domain": "mail.engines.example",
        "industry": "Software",
        "region": "",
        "created": TODAY - timedelta(days=10),
        "is_unsubscribed": False,
        "campaign": ["c1", "c2"],
        "attribute:plan": "gold",
        "attribute:seats": "25",
    },
    [event("page_view", 1, "Pricing"), event("page_view", 8, "Jobs"), event("page_view", 40, "Pricing")],
)
HOLDS = [
    (one("country", Op.IS, "AT", "DE"), "Country is DE"),
    (one("country", Op.IS, "de"), "Country is DE"),
    (one("country", Op.IS_NOT, "FR"), "Country is not FR"),
    (one("region", Op.IS_NOT, "Berlin"), "Region is not Berlin"),
    (one("job_title", Op.CONTAINS, "ceo", "cto"), "Job title contains cto"),
    (one("job_title", Op.NOT_CONTAINS, "intern"), "Job title does not contain intern"),
    (one("job_title", Op.STARTS_WITH, "inter"), "Job title starts with inter"),
    (one("job_title", Op.LIKE, "none", "in?er*"), "Job title is Interim CTO, EMEA"),
    (one("company_size", Op.AT_LEAST, low=50), "Company size is 120, at least 50"),
    (one("company_size", Op.AT_MOST, high=120), "Company size is 120, at most 120"),
    (one("company_size", Op.BETWEEN, low=50, high=5000), "Company size is 120, between 50 and 5000"),
    (one("company_size", Op.IS, 120), "Company size is 120"),
    (one("attribute:seats", Op.AT_LEAST, low=20.5), "Seats is 25, at least 20.5"),
    (one("industry", Op.KNOWN), "Industry is known"),
    (one("region", Op.UNKNOWN), "Region is unknown"),
    (one("postal_code", Op.POSTCODES, low="1", high="29"), "Postal code is 10115, from 1 to 29"),
    (one("email_domain", Op.IN_DOMAIN, "engines.example"), "Email domain is mail.engines.example"),
    (one("email_domain", Op.NOT_IN_DOMAIN, "other.example"), "Email domain is not other.example"),
    (one("email_domain", Op.COMPANY_MAIL), "Email domain mail.engines.example is not a free email domain"),
    (one("created", Op.LAST_DAYS, days=11), "Created is in the last 11 days"),
    (one("created", Op.OLDER_THAN, days=9), "Created is more than 9 days ago"),
    (one("created", Op.BEFORE, high="2026-11-07"), "Created is before 7 Nov 2026"),
    (one("created", Op.AFTER, low="2026-11-05"), "Created is after 5 Nov 2026"),
    (one("created", Op.BETWEEN, low="2026-11-06", high="2026-11-06"), "Created is between 6 Nov 2026 and 6 Nov 2026"),
    (one("is_unsubscribed", Op.IS, "no"), "not unsubscribed from email"),
    (one("campaign", Op.IS, "c2"), "Campaign membership is c2"),
    (one("page_view", Op.UNKNOWN), "page_view is unknown"),
    (one("event:page_view", Op.HAPPENED, low=1), "Visited page"),
    (one("event:page_view", Op.HAPPENED, low=3), "Visited page at least 3 times"),
    (one("event:page_view", Op.HAPPENED, "pricing", low=1, days=2), "Visited page “pricing” in the last 2 days"),
    (one("event:page_view", Op.HAPPENED, "pric", low=2, names="contains"), "Visited page with “pric” at least 2 times"),
    (one("event:page_view", Op.AT_MOST, high=1, days=8), "Visited page at most 1 times in the last 8 days"),
    (one("event:page_view", Op.BETWEEN, low=2, high=3), "Visited page between 2 and 3 times"),
    (one("event:email_click", Op.NEVER), "Clicked in email never"),
    (Group(), "Holds for every lead"),
]
FAILS = [
    one("country", Op.IS, "AT"),
    one("country", Op.IS_NOT, "DE", "AT"),
    one("job_title", Op.CONTAINS, "nterim CTO, A"),
    one("job_title", Op.CONTAINS, "rim"),
    one("region", Op.IS, "Berlin"),
    one("region", Op.KNOWN),
    one("company_size", Op.AT_LEAST, low=121),
    one("company_size", Op.AT_LEAST),
    one("phone", Op.AT_MOST, high=5),
    one("postal_code", Op.POSTCODES, low="102", high="29"),
    one("email_domain", Op.IN_DOMAIN, "gines.example"),
    one("email_domain", Op.FREE_MAIL),
    one("created", Op.LAST_DAYS, days=10),
    one("created", Op.OLDER_THAN, days=10),
    one("created", Op.BEFORE, high="2026-11-06"),
    one("first_seen", Op.AFTER, low="2026-11-06"),
    one("is_unsubscribed", Op.IS, "yes"),
    one("event:page_view", Op.HAPPENED, low=4),
    one("event:page_view", Op.HAPPENED, "pricing", low=2, days=30),
    one("event:page_view", Op.NEVER),
]


@pytest.mark.parametrize(("group", "because"), HOLDS)
def test_what_holds_says_why(group: Group, because: str) -> None:
    answer = evaluate(group, ADA, TODAY)
    assert answer.holds
    assert answer.because == because


@pytest.mark.parametrize("group", FAILS)
def test_what_does_not_hold(group: Group) -> None:
    assert not evaluate(group, ADA, TODAY).holds


def test_three_letters_match_whole_words_only() -> None:
    assert not evaluate(one("job_title", Op.CONTAINS, "CTO"), Facts({"job_title": "Director"}), TODAY).holds


def test_free_email_domains_are_known() -> None:
    assert evaluate(one("email_domain", Op.FREE_MAIL), Facts({"email_domain": "gmail.com"}), TODAY).holds


def test_an_event_to_come_does_not_count_yet() -> None:
    facts = Facts({}, [event("page_view", -2)])
    assert not evaluate(one("event:page_view", Op.HAPPENED, low=1), facts, TODAY).holds
    assert evaluate(one("event:page_view", Op.HAPPENED, low=1), facts, TODAY + timedelta(days=2)).holds


def test_groups_join_by_all_or_any() -> None:
    german = Condition("country", Op.IS, ("DE",))
    large = Condition("company_size", Op.AT_LEAST, low=1000)
    assert not evaluate(Group((german, large), "all"), ADA, TODAY).holds
    assert evaluate(Group((german, large), "any"), ADA, TODAY).because == "Country is DE"
    nested = Group((Group((german, Condition("industry", Op.IS, ("software",)))), Group((large,))), "any")
    assert evaluate(nested, ADA, TODAY).because == "Country is DE and industry is Software"


def test_what_fails_says_what_the_lead_has() -> None:
    assert evaluate(one("country", Op.IS, "AT"), ADA, TODAY).because == "Country is DE"
    assert evaluate(one("phone", Op.KNOWN), ADA, TODAY).because == "Phone is unknown"
    assert evaluate(one("event:call", Op.HAPPENED, low=1), ADA, TODAY).because == "not call"


def test_choices_are_said_by_their_labels() -> None:
    catalog = LEADS.with_choices(stage=[("mql", "MQL")])
    assert (
        evaluate(one("stage", Op.IS, "mql"), Facts({"stage": "mql"}), TODAY, catalog).because
        == "Lifecycle stage is MQL"
    )


TIMED = st.one_of(
    st.builds(
        lambda kind, operator, low, days, name: one(
            f"event:{kind}", operator, *([name] if name else []), low=low, high=low, days=days
        ),
        st.sampled_from(["page_view", "call"]),
        st.sampled_from([Op.HAPPENED, Op.NEVER, Op.AT_MOST, Op.BETWEEN]),
        st.integers(1, 3),
        st.none() | st.integers(1, 40),
        st.sampled_from(["", "Pricing"]),
    ),
    st.builds(
        lambda operator, days: one("created", operator, days=days),
        st.sampled_from([Op.LAST_DAYS, Op.OLDER_THAN]),
        st.integers(1, 40),
    ),
)
EVENTS = st.lists(
    st.builds(
        event, st.sampled_from(["page_view", "call"]), st.integers(-20, 60), st.sampled_from(["Pricing", "Jobs"])
    ),
    max_size=6,
)


@given(TIMED, EVENTS, st.integers(-30, 60))
def test_the_answer_never_turns_before_the_day_it_names(group: Group, events: list[Event], age: int) -> None:
    facts = Facts({"created": TODAY - timedelta(days=age)}, events)
    evaluator = Evaluator(group)
    now, turn = evaluator(facts, TODAY).holds, evaluator.turns_on(facts, TODAY)
    for later in range(1, 130):
        day = TODAY + timedelta(days=later)
        if turn is not None and day >= turn:
            break
        assert evaluator(facts, day).holds == now
