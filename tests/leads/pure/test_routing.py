"""The right territory, and a fair turn for every rep."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.routing import Candidate, Choice, Rep, TerritoryRule, choose_rep, first_match, sentence

TODAY = date(2026, 11, 16)
BERLIN = Candidate("DE", "BE", "10115", "software", 120, "acme.de")


def rule(position: int = 1, **conditions: object) -> TerritoryRule:
    return TerritoryRule(position * 10, position, 1, "territory", **conditions)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conditions", "is_met"),
    [
        ({}, True),
        ({"countries": ["AT", "de"]}, True),
        ({"countries": ["AT"]}, False),
        ({"regions": ["BE"], "industries": ["Software"]}, True),
        ({"regions": ["BE"], "industries": ["retail"]}, False),
        ({"postal_from": "1", "postal_to": "29"}, True),
        ({"postal_from": "10116"}, False),
        ({"postal_to": "10115"}, True),
        ({"postal_to": "0"}, False),
        ({"size_min": 120, "size_max": 120}, True),
        ({"size_min": 121}, False),
        ({"size_max": 119}, False),
        ({"domains": ["acme.de"]}, True),
        ({"domains": ["me.de"]}, False),
    ],
)
def test_all_conditions_must_hold(conditions: dict[str, object], is_met: bool) -> None:
    assert (first_match(BERLIN, [rule(**conditions)]).rule is not None) == is_met
    if conditions:
        assert first_match(Candidate(), [rule(**conditions)]).rule is None


def test_the_first_rule_by_position_wins() -> None:
    rules = [rule(3), rule(2, countries=["DE"]), rule(1, countries=["FR"])]
    match = first_match(BERLIN, rules)
    assert match.rule == rules[1]
    assert match.because == "rule 2: country is DE"
    assert first_match(BERLIN, rules[2:]).because == "no territory rule holds"


def test_a_rule_reads_as_a_sentence() -> None:
    assert sentence(rule(countries=["DE", "AT", "CH"], size_min=50)) == (
        "country is DE, AT or CH and company size at least 50"
    )
    assert sentence(rule(postal_from="1", postal_to="29", domains=["acme.de"])) == (
        "postal code from 1 to 29 and account is acme.de"
    )
    assert sentence(rule(size_max=9)) == "company size at most 9"
    assert sentence(rule()) == "every lead (catch-all)"


def test_the_account_owner_comes_first_and_leaves_the_rotation_alone() -> None:
    reps = [Rep(1, "Ada", current_credit=5), Rep(2, "Ben", weight=0, current_credit=-5)]
    choice = choose_rep(reps, TODAY, existing_owner_id=2)
    assert choice == Choice(2, "Ben already owns the account", (), {1: 5, 2: -5})


def test_those_passed_over_are_named_with_the_reason() -> None:
    reps = [
        Rep(1, "Ada", is_active=False),
        Rep(2, "Ben", away=[(date(2026, 11, 10), TODAY)]),
        Rep(3, "Cem", open_leads=20, capacity=20),
        Rep(4, "Dee", weight=0),
        Rep(5, "Eva", away=[(date(2026, 11, 17), date(2026, 11, 20))]),
    ]
    choice = choose_rep(reps, TODAY, existing_owner_id=2)
    assert (choice.rep_id, choice.because) == (5, "Eva is the only one available")
    assert choice.passed_over == (
        (1, "Ada", "is not active"),
        (2, "Ben", "is away until 2026-11-16"),
        (3, "Cem", "is at capacity (20 of 20 open leads)"),
        (4, "Dee", "takes no new leads (weight 0)"),
    )
    nobody = choose_rep(reps[:4], TODAY, existing_owner_id=99)
    assert (nobody.rep_id, nobody.because) == (None, "nobody in the territory is available")
    assert nobody.passed_over[0] == (99, "", "owns the account but is not in this territory")
    assert choose_rep([], TODAY).because == "the territory has no reps"


def run(reps: list[Rep], count: int) -> list[int]:
    chosen = []
    for _ in range(count):
        choice = choose_rep(reps, TODAY)
        assert choice.rep_id is not None
        chosen.append(choice.rep_id)
        reps = [replace(rep, current_credit=choice.credits[rep.id]) for rep in reps]
    return chosen


def test_turns_are_spread_evenly() -> None:
    assert run([Rep(1, "a", 5), Rep(2, "b", 1), Rep(3, "c", 1)], 7) == [1, 1, 2, 1, 3, 1, 1]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.integers(1, 3), st.integers(0, 50))
def test_everybody_gets_their_share(weights: list[int], rounds: int, offset: int) -> None:
    reps = [Rep(index, f"rep {index}", weight) for index, weight in enumerate(weights)]
    chosen = run(reps, offset + rounds * sum(weights))[offset:]
    assert Counter(chosen) == {rep.id: rep.weight * rounds for rep in reps}


@given(st.permutations([Rep(1, "a", 2, 3), Rep(2, "b", 3, -4), Rep(3, "c", 2, 1, is_active=False)]))
def test_the_order_of_the_reps_does_not_matter(reps: list[Rep]) -> None:
    choice = choose_rep(reps, TODAY)
    assert (choice.rep_id, dict(choice.credits)) == (1, {1: 0, 2: -1, 3: 1})
