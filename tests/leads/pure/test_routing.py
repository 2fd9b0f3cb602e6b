"""The right territory, and a fair turn for every rep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.conditions.evaluate import Facts
from leads.pure.conditions.grammar import Condition, Group, from_json
from leads.pure.conditions.properties import Operator
from leads.pure.routing import Choice, Rep, Rules, TerritoryRule, choose_rep

TODAY = date(2026, 11, 16)
BERLIN = Facts(
    {
        "country": "DE",
        "region": "BE",
        "postal_code": "10115",
        "industry": "software",
        "company_size": 120,
        "account": "acme.de",
    }
)


def condition(key: str, operator: str, *values: str, low: object = None, high: object = None) -> Condition:
    return Condition(key, Operator(operator), values, low=low, high=high)  # type: ignore[arg-type]


def rule(position: int = 1, *conditions: Condition) -> TerritoryRule:
    return TerritoryRule(position * 10, position, 1, Group(conditions))


@pytest.mark.parametrize(
    ("conditions", "is_met"),
    [
        ([], True),
        ([condition("country", "is", "AT", "de")], True),
        ([condition("country", "is", "AT")], False),
        ([condition("region", "is", "BE"), condition("industry", "is", "Software")], True),
        ([condition("region", "is", "BE"), condition("industry", "is", "retail")], False),
        ([condition("postal_code", "postcodes", low="1", high="29")], True),
        ([condition("company_size", "between", low=120, high=120)], True),
        ([condition("company_size", "at_least", low=121)], False),
        ([condition("account", "in_domain", "acme.de")], True),
        ([condition("account", "in_domain", "me.de")], False),
    ],
)
def test_all_conditions_must_hold(conditions: list[Condition], is_met: bool) -> None:
    rules = Rules([rule(1, *conditions)])
    assert (rules.first_match(BERLIN, TODAY).rule is not None) == is_met
    if conditions:
        assert rules.first_match(Facts({}), TODAY).rule is None


def test_the_first_rule_by_position_wins() -> None:
    listed = [rule(3), rule(2, condition("country", "is", "DE")), rule(1, condition("country", "is", "FR"))]
    rules = Rules(listed)
    match = rules.first_match(BERLIN, TODAY)
    assert match.rule == listed[1]
    assert match.because == "rule 2: country is DE"
    assert rules.met(BERLIN, TODAY) == [listed[1], listed[0]]
    assert rules.why_not(BERLIN, TODAY, listed[2]) == "Country is DE"
    assert Rules(listed[2:]).first_match(BERLIN, TODAY).because == "no rule holds, so everywhere else"


# As territory rules decided before they shared the condition grammar.
TEXTS = st.sampled_from(["", "DE", "de", "AT", "BE", "Software", "retail", "acme.de", "shop.acme.de", "me.de"])
CODES = st.sampled_from(["", "1", "10", "10115", "29", "SW1A 1AA", "sw1", "9"])
LISTS = st.lists(TEXTS.filter(bool), max_size=2)
SIZES = st.none() | st.integers(0, 60)


@dataclass
class Columns:
    countries: list[str]
    regions: list[str]
    industries: list[str]
    domains: list[str]
    postal_from: str
    postal_to: str
    size_min: int | None
    size_max: int | None


def among(value: str, allowed: list[str]) -> bool:
    return not allowed or value.casefold() in {item.casefold() for item in allowed if item}


def held_before(row: Columns, lead: dict[str, Any]) -> bool:
    code, low, high = (part.replace(" ", "").upper() for part in (lead["postal_code"], row.postal_from, row.postal_to))
    size, name = lead["company_size"], lead["account"].casefold()
    return (
        among(lead["country"], row.countries)
        and among(lead["region"], row.regions)
        and among(lead["industry"], row.industries)
        and ((not low and not high) or (bool(code) and code[: len(low)] >= low and code[: len(high)] <= high))
        and (
            (row.size_min is None and row.size_max is None)
            or (
                size is not None
                and (row.size_min is None or size >= row.size_min)
                and (row.size_max is None or size <= row.size_max)
            )
        )
        and (
            not row.domains
            or any(name == item.casefold() or name.endswith(f".{item.casefold()}") for item in row.domains)
        )
    )


@given(
    st.lists(
        st.builds(
            Columns,
            LISTS,
            LISTS,
            LISTS,
            LISTS,
            *[st.just("")] * 2,
            SIZES,
            SIZES,
        )
        | st.builds(Columns, LISTS, LISTS, LISTS, LISTS, CODES.filter(bool), CODES.filter(bool), SIZES, SIZES),
        max_size=4,
    ),
    st.fixed_dictionaries(
        {
            "country": TEXTS,
            "region": TEXTS,
            "industry": TEXTS,
            "account": TEXTS,
            "postal_code": CODES,
            "company_size": SIZES,
        }
    ),
)
def test_converted_rules_decide_as_before(rows: list[Columns], lead: dict[str, Any]) -> None:
    convert = import_module("leads.migrations.0025_convert_territory_rules").conditions_of
    # The database refused a largest size below the smallest.
    rows = [row for row in rows if row.size_min is None or row.size_max is None or row.size_max >= row.size_min]
    rules = Rules([TerritoryRule(n, n, n, from_json(convert(row))) for n, row in enumerate(rows, start=1)])
    expected = next((n for n, row in enumerate(rows, start=1) if held_before(row, lead)), None)
    found = rules.first_match(Facts(lead), TODAY).rule
    assert (found.id if found else None) == expected


def off(name: str, number: int, hour: int, **more: Any) -> Rep:
    return Rep(number, name, starts_at=datetime(2026, 11, 17, hour, tzinfo=UTC), **more)


def test_reps_off_work_are_passed_over_where_the_territory_says_so() -> None:
    reps = [Rep(1, "Ada"), off("Ben", 2, 9)]
    assert choose_rep(reps, TODAY, existing_owner_id=2).rep_id == 2
    choice = choose_rep(reps, TODAY, existing_owner_id=2, off_hours="wait")
    assert (choice.rep_id, choice.passed_over) == (1, ((2, "Ben", "is not at work until Tue 17 Nov 09:00"),))
    assert choice.rotation == {1: 1}
    waiting = choose_rep(reps[1:], TODAY, off_hours="wait")
    assert (waiting.rep_id, waiting.waits_until) == (None, datetime(2026, 11, 17, 9, tzinfo=UTC))
    assert waiting.because == "nobody is at work; waits until Tue 17 Nov 09:00"


def test_who_starts_first_takes_it_in_turn() -> None:
    reps = [off("Ada", 1, 9), off("Ben", 2, 8, weight=2), off("Cem", 3, 8), Rep(4, "Dee", never_works=True)]
    chosen = []
    for _ in range(3):
        choice = choose_rep(reps, TODAY, off_hours="next")
        chosen.append(choice.rep_id)
        reps = [replace(rep, current_credit=choice.credits[rep.id]) for rep in reps]
    assert chosen == [2, 3, 2]
    assert choice.rotation == {2: 2, 3: 1}
    assert choice.because == "nobody is at work; Ben starts first, Tue 17 Nov 08:00"
    assert choice.passed_over == (
        (1, "Ada", "is not at work until Tue 17 Nov 09:00"),
        (4, "Dee", "has no working hours"),
    )
    assert choose_rep(reps, TODAY, existing_owner_id=1, off_hours="next").rep_id == 1
    assert choose_rep(reps[3:], TODAY, off_hours="next").rep_id is None
    gone = [Rep(5, "Eva", left_crm=True), Rep(6, "Fay", leaves=True)]
    assert [why for _, _, why in choose_rep(gone, TODAY).passed_over] == [
        "is deactivated in the CRM",
        "gives their leads away",
    ]


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
