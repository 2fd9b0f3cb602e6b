"""The seal holds whichever database the data was read back from."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.sealing import digest, plain

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_plain_data_survives_json_and_keeps_its_digest(value: object) -> None:
    kept = plain(value)
    assert digest(json.loads(json.dumps(kept))) == digest(kept)
    assert plain(kept) == kept


def test_whole_floats_and_negative_zero_are_settled_before_the_seal() -> None:
    assert digest(plain({"a": 1.0, "b": -0.0})) == digest({"a": 1, "b": 0})
    assert plain(float("nan")) is None
    assert plain((datetime(2026, 11, 16, tzinfo=UTC), date(2026, 11, 16))) == [
        "2026-11-16T00:00:00+00:00",
        "2026-11-16",
    ]


def test_order_of_keys_does_not_matter_and_every_value_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
