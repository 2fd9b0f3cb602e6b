"""Values to the type that a CRM describes, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.pure.mapping import MappingError, Money
from integrations.pure.merging import agree
from integrations.pure.typed_values import FieldFacts, from_remote, is_same, to_remote

PLANS = (("t1", "Starter"), ("t2", "Team"), ("t3", "Enterprise"))
TOPICS = (("CRM", "CRM"), ("BI", "Billing, invoices"), ("AN", "Analytics"))


def facts(kind: str, **more: Any) -> FieldFacts:
    return FieldFacts("Field__c", "Field", kind, **more)


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("number", "1250", 1250),
        ("number", "1,250,000", 1_250_000),
        ("number", "1.250,50", Decimal("1250.50")),
        ("number", " 12.5 ", Decimal("12.5")),
        ("number", 7.0, 7),
        ("boolean", "yes", True),
        ("boolean", "Off", False),
        ("boolean", 1, True),
        ("boolean", True, True),
        ("date", "2026-03-31", date(2026, 3, 31)),
        ("date", datetime(2026, 3, 31, 22, 30, tzinfo=UTC), date(2026, 3, 31)),
        ("datetime", "2026-03-31T09:30Z", datetime(2026, 3, 31, 9, 30, tzinfo=UTC)),
        ("datetime", "2026-03-31", datetime(2026, 3, 31, tzinfo=UTC)),
        ("money", "1,250.00 USD", Money(Decimal("1250.00"), "USD")),
        ("money", "€ 99.90", Money(Decimal("99.90"), "EUR")),
        ("money", 1250, Money(Decimal(1250), "CHF")),
        ("money", {"value": "12.5", "currency": "JPY"}, Money(Decimal("12.5"), "JPY")),
        ("text", 42, "42"),
        ("text", True, "true"),
        ("text", ["a", "b"], "a; b"),
        ("address", {"street": "Invalidenstr. 1", "postal_code": "10115", "city": "Berlin", "region": ""},
         "Invalidenstr. 1, 10115, Berlin"),
    ],
)  # fmt: skip
def test_a_value_takes_the_fields_type(kind: str, value: Any, sent: Any) -> None:
    fitted = to_remote(value, facts(kind), currency="CHF").value
    assert fitted == sent
    assert type(fitted) is type(sent)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "many"), ("number", "1,250"), ("number", True), ("number", "NaN"), ("number", "1e400"),
        ("boolean", "perhaps"), ("boolean", 2), ("date", "31.03.2026"), ("datetime", "soon"), ("money", "a lot"),
        ("money", True),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_converted_names_its_field(kind: str, value: Any) -> None:
    with pytest.raises(MappingError) as caught:
        to_remote(value, facts(kind))
    assert caught.value.field == "Field__c"


def test_a_whole_number_is_asked_for_where_the_field_keeps_no_decimals() -> None:
    assert to_remote("12", facts("number", decimals=0)).value == 12
    with pytest.raises(MappingError, match="whole"):
        to_remote("12.5", facts("number", decimals=0))


@pytest.mark.parametrize(
    ("value", "decimals", "stored"),
    [("12.5", 0, 13), ("12.4", 0, 12), ("-0.5", 0, -1), ("7.005", 2, Decimal("7.01")), ("9" * 28, 2, int("9" * 28))],
)
def test_where_the_crm_rounds_it_is_rounded_before(value: str, decimals: int, stored: Any) -> None:
    field = replace(facts("number", decimals=decimals), is_rounded=True)
    assert to_remote(value, field).value == stored
    assert is_same(value, str(stored), field)
    assert to_remote(f"{value} EUR", replace(field, type="money")).value.amount == stored


@pytest.mark.parametrize("value", ["t3", "Enterprise", " enterprise ", "big"])
def test_an_option_goes_by_the_map_its_value_or_its_label(value: str) -> None:
    plan = facts("choice", choices=PLANS, values=(("big", "t3"),))
    assert to_remote(value, plan).value == "t3"


def test_a_yes_may_be_an_option() -> None:
    answer = facts("choice", choices=(("1", "Yes"), ("0", "No")))
    assert to_remote(True, answer).value == "1"
    assert to_remote(False, answer).value == "0"
    assert to_remote("yes", facts("choice", choices=PLANS, values=(("yes", "t1"),))).value == "t1"
    assert to_remote(True, facts("choice", choices=PLANS, values=(("yes", "t1"),))).value == "t1"


def test_no_option_is_made_up() -> None:
    with pytest.raises(MappingError, match="Starter, Team, Enterprise"):
        to_remote("Gold", facts("choice", choices=PLANS))
    with pytest.raises(MappingError, match="one option"):
        to_remote(["t1", "t2"], facts("choice", choices=PLANS))


@pytest.mark.parametrize(
    "value", [["CRM", "Analytics"], "CRM; Analytics", "crm, analytics", "CRM\nAnalytics", ("AN", "CRM")]
)
def test_a_list_fills_a_field_of_several_options(value: Any) -> None:
    assert set(to_remote(value, facts("choices", choices=TOPICS)).value) == {"CRM", "AN"}


def test_an_option_that_holds_a_comma_is_one() -> None:
    assert to_remote("Billing, invoices", facts("choices", choices=TOPICS)).value == ["BI"]
    with pytest.raises(MappingError, match="Telephony"):
        to_remote(["CRM", "Telephony"], facts("choices", choices=TOPICS))


def test_a_long_text_is_cut_and_says_so() -> None:
    fitted = to_remote("x" * 160, facts("text", length=128))
    assert len(fitted.value) == 128
    assert "from 160 to the 128" in fitted.note
    assert to_remote("x" * 128, facts("text", length=128)).note == ""


@pytest.mark.parametrize("kind", ["number", "boolean", "date", "money", "choice", "choices"])
def test_nothing_clears_a_field_of_any_type(kind: str) -> None:
    assert to_remote(None, facts(kind, choices=PLANS)).value is None
    assert to_remote("", facts(kind, choices=PLANS)).value == ""


@pytest.mark.parametrize(
    ("kind", "more", "theirs", "ours"),
    [
        ("number", {}, "1250", 1250),
        ("number", {}, "12.50", 12.5),
        ("boolean", {}, "true", True),
        ("choice", {"choices": PLANS}, "t3", "Enterprise"),
        ("choice", {"choices": PLANS, "values": (("big", "t3"), ("huge", "t3"))}, "t3", "big"),
        ("choices", {"choices": TOPICS}, "CRM;BI", ["CRM", "Billing, invoices"]),
        ("choices", {"choices": (("7", "Seven"),)}, [7], ["Seven"]),
        ("money", {}, {"value": 12.5, "currency": "EUR"}, 12.5),
        ("date", {}, "2026-03-31", "2026-03-31"),
        ("address", {}, {"value": "Invalidenstr. 1, Berlin", "locality": "Berlin"}, "Invalidenstr. 1, Berlin"),
        ("number", {}, "unreadable", "unreadable"),
        ("text", {}, None, None),
    ],
)
def test_a_value_of_theirs_comes_in_our_words(kind: str, more: dict[str, Any], theirs: Any, ours: Any) -> None:
    assert from_remote(theirs, facts(kind, **more)) == ours


@pytest.mark.parametrize(
    ("kind", "more", "ours", "theirs"),
    [
        ("number", {}, "1250", 1250.0),
        ("boolean", {}, "yes", "true"),
        ("boolean", {}, "no", False),
        ("choices", {"choices": TOPICS}, ["Analytics", "CRM"], "CRM;AN"),
        ("choice", {"choices": PLANS, "values": (("big", "t3"),)}, "big", "t3"),
        ("text", {"length": 5}, "abcdefgh", "abcde"),
        ("money", {}, "12.50 EUR", {"value": 12.5, "currency": "EUR"}),
        ("money", {}, "12.50", "12.5"),
    ],
)
def test_what_they_hold_of_ours_is_no_change(kind: str, more: dict[str, Any], ours: Any, theirs: Any) -> None:
    assert is_same(ours, theirs, facts(kind, **more))
    assert not is_same(ours, "something else", facts(kind, **more))


def test_lists_and_amounts_agree_whatever_their_form() -> None:
    assert agree(["b", "a"], "a;b")
    assert agree([1, 2], ["2", "1"])
    assert agree(Money(Decimal("12.50"), "EUR"), "12.5")
    assert agree(Money(Decimal("12.50"), "EUR"), {"value": 12.5, "currency": "EUR"})
    assert not agree(["a"], "a;b")
