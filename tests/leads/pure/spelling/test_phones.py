"""Telephone numbers as people write them, and as spreadsheets leave them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.spelling.phones import InvalidPhone, clean_phone, normalize_phone


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+49 (0)30 1234-56", "", "+4930123456"),
        ("0049 30 123456", "", "+4930123456"),
        ("030 / 12 34 56", "DE", "+4930123456"),
        ("06 1234567", "IT", "+39061234567"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("030 123456", "", "030123456"),
        ("+1 415 555 0100 ext. 12", "US", "+14155550100"),
        ("n/a", "DE", ""),
        ("", "", ""),
        ("٠٣٠", "", "030"),
    ],
)
def test_phone_numbers_become_comparable(raw: str, country: str, expected: str) -> None:
    assert normalize_phone(raw, country) == expected


@given(st.text(max_size=40), st.sampled_from(["", "DE", "US", "IT", "XX"]))
def test_phone_numbers_never_raise_and_stay_put(raw: str, country: str) -> None:
    phone = normalize_phone(raw, country)
    assert phone == "" or phone.removeprefix("+").isdecimal()
    if phone.startswith("+"):
        assert normalize_phone(phone, country) == phone


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (" +49 30 123 45 ", "+49 30 123 45"),
        ("\u202a+49 30 123\u202c", "+49 30 123"),
        ("030/12 34-5 ext. 6", "030/12 34-5 ext. 6"),
        ("N/A", ""),
        ("-", ""),
        ("", ""),
    ],
)
def test_a_number_is_kept_as_it_was_written(raw: str, kept: str) -> None:
    assert clean_phone(raw) == kept


@pytest.mark.parametrize("raw", ["4.93012E+11", "4,93012E+11", "4.9e11", "-4E+5"])
def test_a_number_that_a_spreadsheet_shortened_is_refused(raw: str) -> None:
    with pytest.raises(InvalidPhone, match="its last digits are lost"):
        clean_phone(raw)


def test_words_are_no_number() -> None:
    with pytest.raises(InvalidPhone, match="has no digits"):
        clean_phone("call me")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("49301234567.0", "49301234567"),
        ("tel:+49301234567", "+49301234567"),
        ("p:+49301234567", "+49301234567"),
        ("0", ""),
        ("000 000", ""),
    ],
)
def test_what_programs_make_of_numbers_is_undone(text: str, kept: str) -> None:
    assert clean_phone(text) == kept


def test_of_two_numbers_in_one_field_the_first_is_compared() -> None:
    assert normalize_phone("+49 30 1234567 / +49 170 1234567") == "+49301234567"
    assert normalize_phone("030/1234567", "DE") == "+49301234567"
