"""Which deals a part of a run computes, and what is written of them."""

import numpy as np

from attribution.pure.credits.computation import Book
from attribution.pure.journeys.candidates import candidates
from attribution.pure.methods import get_method
from attribution.pure.rules import Rules
from attribution.pure.runs.difference import FACTS
from attribution.pure.runs.stored import (
    CREDIT_FIELDS,
    STATE_FIELDS,
    Account,
    Page,
    credit_values,
    page_of,
    state_values,
)
from tests.attribution.pure.journeys.test_candidates import columns, world

RULES = Rules(None, frozenset(), 7.0, "version", methods=(get_method("linear"), get_method("lead_creation")))
REMEMBERED = ("opportunity", "hash_high", "hash_low", *FACTS)
NOTHING = {name: np.zeros(0, dtype=np.int64) for name in REMEMBERED}


def page(states=NOTHING, *, is_full: bool = False) -> Page:
    inputs = candidates(world(), "contacts")
    return page_of("contacts", inputs, Book(inputs, RULES), states, is_full=is_full)


def remembered() -> dict[str, np.ndarray]:
    """What is kept of the first page, as it is read again."""
    first = page()
    values = state_values(first, 1)
    deals = first.inputs.deals
    return {name: values[name] for name in NOTHING if name not in ("opportunity", "status")} | {
        "opportunity": deals["id"],
        "status": deals["status"],
    }


def test_only_deals_with_another_hash_are_computed() -> None:
    assert page().ids == [10, 11]
    assert page().known_ids == []
    states = remembered()
    assert page(states).ids == []
    assert page(states, is_full=True).ids == [10, 11]
    states["hash_low"] = states["hash_low"] + np.array([0, 1])
    assert page(states).ids == page(states).known_ids == [11]


def test_every_column_has_a_value_and_the_cents_make_the_amount() -> None:
    whole = page()
    assert set(state_values(whole, 1)) == {field.name for field in STATE_FIELDS}
    for shares in whole.book.credits(whole.chosen):
        values = credit_values(whole, shares, 1)
        assert set(values) == {field.name for field in CREDIT_FIELDS}
        for deal in (10, 11):
            assert values["cents"][values["opportunity_id"] == deal].sum() == 5
        nobody = values["touchpoint_id"] == -1
        assert (values["channel_id"][nobody] == -1).all()
        assert (values["touched_at"][nobody] == -1).all()


def test_what_a_full_run_computes_again_to_the_same_is_no_change() -> None:
    again = page(remembered(), is_full=True)
    account = Account(again, ["linear", "lead_creation"], columns(opportunity=[], method=[], campaign=[], cents=[]))
    for shares in again.book.credits(again.chosen):
        account.add(shares, credit_values(again, shares, 2))
    summary = account.summary(is_other_rules=False, is_other_fit=False)
    assert summary == {"changed": 0, "causes": {}, "cells": [], "deals": []}
