"""The seal holds whichever database the data was read back from."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.sealing import ERASED, RowSeal, digest, plain, redact_row, seal_rows, verify_rows

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


# --- rows ------------------------------------------------------------------------------------------------------------

COLUMNS = [{"path": "who"}, {"path": "company"}, {"path": "cents"}]
ROWS: list[list[object]] = [[["Ada", "/leads/1"], "Engines", 5], [["Bob", "/leads/2"], None, 7]]
SALTS: list[RowSeal] = ["a" * 32, "b" * 32]


def test_rows_verify_and_every_cell_matters() -> None:
    sealed = seal_rows(COLUMNS, ROWS, SALTS)
    assert verify_rows(COLUMNS, json.loads(json.dumps(ROWS)), SALTS, sealed)
    for place, other in ((0, ["Eve", "/leads/1"]), (1, "Other"), (2, 6)):
        changed = [list(ROWS[0]), ROWS[1]]
        changed[0][place] = other
        assert not verify_rows(COLUMNS, changed, SALTS, sealed)
    assert not verify_rows(COLUMNS, ROWS[::-1], SALTS, sealed)
    assert not verify_rows(COLUMNS, ROWS[:1], SALTS, sealed)
    assert not verify_rows(COLUMNS[::-1], ROWS, SALTS, sealed)


def test_equal_cells_have_unequal_hashes() -> None:
    """Otherwise whoever knows one row could tell where else its person is named."""
    rows = [["Ada"], ["Ada"]]
    kept = redact_row(rows[0], SALTS[0], [0])[1], redact_row(rows[1], SALTS[1], [0])[1]
    assert kept[0] != kept[1]
    assert seal_rows([], [["Ada", "Ada"]], SALTS[:1]) != seal_rows([], [["Ada", "Ada"]], SALTS[1:])


def test_an_erased_person_is_gone_and_the_seal_verifies() -> None:
    sealed = seal_rows(COLUMNS, ROWS, SALTS)
    row, seal = redact_row(ROWS[0], SALTS[0], [0, 1])
    assert row == [[ERASED, ""], ERASED, 5]
    rows, seals = [row, ROWS[1]], [seal, SALTS[1]]
    assert verify_rows(COLUMNS, rows, seals, sealed)
    # The salt is gone, so that no guess of the name can be confirmed; what is left still verifies cell by cell.
    assert SALTS[0] not in json.dumps(seals)
    assert redact_row(row, seal, [0, 1]) == (row, seal)
    assert not verify_rows(COLUMNS, [[[ERASED, ""], ERASED, 6], ROWS[1]], seals, sealed)
    assert not verify_rows(COLUMNS, [[["Eve", ""], ERASED, 5], ROWS[1]], seals, sealed)


@given(st.lists(st.lists(values.map(plain), min_size=3, max_size=3), min_size=1, max_size=4), st.data())
def test_any_cells_of_any_rows_can_be_erased(rows: list[list[object]], data: st.DataObject) -> None:
    seals: list[RowSeal] = [f"{number:032x}" for number in range(len(rows))]
    sealed = seal_rows(COLUMNS, rows, seals)
    kept = [list(row) for row in rows]
    for _ in range(data.draw(st.integers(0, 3))):
        number = data.draw(st.integers(0, len(rows) - 1))
        places = data.draw(st.sets(st.integers(0, 2)))
        kept[number], seals[number] = redact_row(kept[number], seals[number], places)
    assert verify_rows(COLUMNS, json.loads(json.dumps(kept)), json.loads(json.dumps(seals)), sealed)


def test_rows_sealed_before_salts_still_verify() -> None:
    sealed = digest([COLUMNS, ROWS])
    assert verify_rows(COLUMNS, ROWS, None, sealed)
    assert not verify_rows(COLUMNS, ROWS[:1], None, sealed)
