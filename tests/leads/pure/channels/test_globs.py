"""Rules written as patterns and the conditions they become decide alike."""

from __future__ import annotations

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from leads.pure.channels.channels import VISITS, ChannelRule, Visit, classify
from leads.pure.channels.globs import NAMES, SHIPPED, Globs
from leads.pure.conditions.grammar import Condition, Group, check, from_json, to_json
from leads.pure.conditions.properties import Operator

PATTERN = st.sampled_from(["", "?*", "*", "news", "news*|mail", "*news*", "a||b", "?", "| x", "[ab]*", "n?ws"])
TAG = st.sampled_from(["", "news", "News ", "newsletter", "mail", "a", "b", "x", "*", "?", "nows"])


def fits(globs: str, value: str) -> bool:
    """What such a rule always meant."""
    value = value.strip().casefold()
    return not globs or any(fnmatch.fnmatchcase(value, part.strip().casefold()) for part in globs.split("|"))


@given(st.tuples(PATTERN, PATTERN, PATTERN), st.tuples(TAG, TAG, TAG))
def test_conditions_decide_as_the_patterns_did(patterns: tuple[str, ...], tags: tuple[str, ...]) -> None:
    rule = ChannelRule(1, "found", Globs(1, "found", *patterns).conditions)
    wanted = "found" if all(map(fits, patterns, tags)) else "other"
    assert classify(Visit(*tags), [rule]).channel_key == wanted


def test_what_is_shipped_can_be_edited_and_stored() -> None:
    for each in SHIPPED:
        check(each.conditions, VISITS)
        assert from_json(to_json(each.conditions)) == each.conditions
        assert len(list(each.conditions.conditions())) == sum(bool(getattr(each, name)) for name in NAMES)


def test_a_pattern_that_fits_the_unknown_says_so() -> None:
    assert Globs(1, "x", medium="?*").conditions == Group((Condition("medium", Operator.KNOWN),))
    assert Globs(1, "x", medium="*").conditions == Group()
    like, unknown = Condition("medium", Operator.LIKE, ("a",)), Condition("medium", Operator.UNKNOWN)
    assert Globs(1, "x", medium="a|").conditions == Group((Group((like, unknown), "any"),))
