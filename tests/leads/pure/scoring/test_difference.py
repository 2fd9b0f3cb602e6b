"""Differences between versions read as sentences."""

from __future__ import annotations

from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator
from leads.pure.scoring.difference import Listed, differences
from leads.pure.scoring.rules import Rule, RuleSet

BEFORE = RuleSet(1, (), 20, 20, 60, 60, 30)


def known(name: str, key: str, points: int = 10) -> Rule:
    return Rule(0, name, "fit", Group((Condition(key, Operator.KNOWN),)), points)


def test_each_change_is_one_sentence() -> None:
    old = [Listed(known("A", "phone")), Listed(known("B", "region")), Listed(known("C", "industry"))]
    new = [Listed(known("C", "industry"), False), Listed(known("A", "phone", 15)), Listed(known("D", "company", -5))]
    after = RuleSet(2, (), 30, 20, 60, 60, None)
    assert differences(BEFORE, after, old, new) == [
        "Fit threshold: 20 → 30",
        "Half-life in days: 30 → none",
        "Removed: B (+10 when region is known)",
        "Added: D (−5 when company is known)",
        "Changed: A: +10 when phone is known → +15 when phone is known",
        "Disabled: C",
        "The order of the rules changed: caps cut the last ones first",
    ]


def test_the_same_rules_differ_in_nothing() -> None:
    rules = [Listed(known("A", "phone")), Listed(known("A", "region"))]
    assert differences(BEFORE, BEFORE, rules, rules) == []
