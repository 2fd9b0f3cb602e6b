"""Conditions as values: stored and read again, checked, in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.conditions.grammar import Condition, Group, InvalidConditions, check, from_json, to_json
from leads.pure.conditions.properties import LEADS, OPERATORS, Kind, Operator
from leads.pure.conditions.sentences import sentence
from leads.pure.refused import Refused

Op = Operator
VALUES = st.one_of(st.text(max_size=8), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False))
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(sorted(LEADS)),
    st.sampled_from(list(Operator)),
    st.lists(VALUES, max_size=3).map(tuple),
    st.none() | VALUES,
    st.none() | VALUES,
    st.none() | st.integers(1, 99),
    st.sampled_from(["is", "contains"]),
)
GROUPS = st.builds(
    Group,
    st.lists(CONDITIONS | st.builds(Group, st.lists(CONDITIONS, max_size=3).map(tuple)), max_size=3).map(tuple),
    st.sampled_from(["all", "any"]),
)


@given(GROUPS)
def test_what_is_stored_is_read_again(group: Group) -> None:
    assert from_json(json.loads(json.dumps(to_json(group)))) == group


@given(GROUPS)
def test_every_group_has_a_sentence(group: Group) -> None:
    assert sentence(group)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"schema": 2, "match": "all", "items": []},
        {"schema": 1, "match": "some", "items": []},
        {"schema": 1, "match": "all", "items": [{"property": "x", "operator": "likes"}]},
    ],
)
def test_what_is_no_conditions_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(Refused):
        from_json(stored)


SENTENCES = [
    (Group((Condition("country", Op.IS, ("DE", "AT", "CH")),)), "country is DE, AT or CH"),
    (
        Group((Condition("country", Op.IS, ("DE",)), Condition("company_size", Op.AT_LEAST, low=50))),
        "country is DE and company size is at least 50",
    ),
    (
        Group(
            (
                Group((Condition("country", Op.IS, ("DE",)), Condition("industry", Op.KNOWN))),
                Group((Condition("postal_code", Op.POSTCODES, low="1", high="29"),)),
            ),
            "any",
        ),
        "(country is DE and industry is known) or postal code is from 1 to 29",
    ),
    (
        Group((Condition("event:form_submission", Op.HAPPENED, ("Pricing",), low=2, days=30),)),
        "submitted a form “Pricing” at least 2 times in the last 30 days",
    ),
    (Group((Condition("is_unsubscribed", Op.IS, ("no",)),)), "not unsubscribed from email"),
    (Group(), "every lead"),
]


@pytest.mark.parametrize(("group", "words"), SENTENCES)
def test_sentences_are_plain(group: Group, words: str) -> None:
    assert sentence(group) == words


PROBLEMS = [
    (Condition("shoe_size", Op.IS, ("42",)), "'shoe_size' is not a property that conditions can look at."),
    (Condition("company_size", Op.CONTAINS, ("5",)), "Company size: “contains any of” is not offered here."),
    (Condition("company_size", Op.AT_LEAST), "Company size: enter a number."),
    (Condition("company_size", Op.BETWEEN, low=9, high=5), "Company size: the lower limit comes first."),
    (Condition("company_size", Op.IS, ("many",)), "Company size: enter numbers."),
    (Condition("job_title", Op.CONTAINS, (" ",)), "Job title: enter a value."),
    (Condition("stage", Op.IS), "Lifecycle stage: choose a value."),
    (Condition("stage", Op.IS, ("gone",)), "Lifecycle stage: gone is not one of the choices."),
    (Condition("created", Op.BEFORE, high="soon"), "Created: enter a date."),
    (Condition("created", Op.LAST_DAYS), "Created: say how many days."),
    (Condition("created", Op.LAST_DAYS, days=5000), "Created: the number of days must be between 1 and 3,650."),
    (Condition("postal_code", Op.POSTCODES, low="1"), "Postal code: say from which postal code to which."),
    (Condition("event:call", Op.HAPPENED, low=0), "Call: at least 0 times always holds; say at least once."),
    (Condition("event:call", Op.HAPPENED, low=1.5), "Call: say how many times, as a whole number."),
    (Condition("event:call", Op.BETWEEN, low=3, high=1), "Call: the lower number comes first."),
]


@pytest.mark.parametrize(("condition", "problem"), PROBLEMS)
def test_problems_name_the_property(condition: Condition, problem: str) -> None:
    catalog = LEADS.with_choices(stage=[("mql", "MQL")])
    with pytest.raises(InvalidConditions) as refused:
        check(Group((Condition("country", Op.KNOWN), condition)), catalog)
    assert [(each.place, each.text) for each in refused.value.problems] == [((0, 1), problem)]


def test_groups_nest_once() -> None:
    with pytest.raises(InvalidConditions, match="nested once"):
        check(Group((Group((Group((Condition("country", Op.KNOWN),)),)),)), LEADS)


def test_an_attribute_nobody_has_any_more_is_still_known() -> None:
    check(Group((Condition("attribute:plan", Op.IS, ("gold",)),)), LEADS)
    assert "attribute:plan" not in LEADS.listed


def test_every_kind_offers_operators_with_labels() -> None:
    assert set(OPERATORS) == set(Kind)
    for looked_at in LEADS.values():
        assert all(looked_at.operator_label(each) for each in looked_at.operators)
