"""Signs that cannot be seen, and words for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.spelling.texts import clean_text, is_placeholder


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Ada \u202egnoleveB", "Ada gnoleveB"),
        ("\u2066Ada\u2069", "Ada"),
        ("\ufeffAda\u200b", "Ada"),
        ("Ada\r\n\tByron\x07", "Ada Byron"),
        ("Ada\u00a0 Byron", "Ada Byron"),
        ("Jose\u0301", "José"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("=Foo GmbH", "=Foo GmbH"),
    ],
)
def test_what_cannot_be_seen_is_dropped(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    assert clean_text(clean_text(raw)) == clean_text(raw)


@pytest.mark.parametrize("text", ["N/A", "n/a", "-", "–", " -- ", "NULL", "null", "#N/A", "(blank)", "k. A."])
def test_placeholders_say_nothing(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["", "0", "Null", "Nan", "NA", "No", "Ada", "-5"])
def test_names_and_numbers_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)
