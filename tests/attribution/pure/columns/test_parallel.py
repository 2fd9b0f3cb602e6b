"""Long columns over threads: the same results as in one go."""

import numpy as np
import pytest

from attribution.pure.columns import parallel
from attribution.pure.columns.parallel import each, slices
from attribution.pure.journeys.journeys import DAY, Milestones, Settings, Touches, build
from tests.attribution.pure.strategies import START

ROWS = 3 * parallel._WORTH_A_THREAD


@pytest.mark.parametrize("processors", [1, 2, 3])
@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_slices_cover_every_row_once(monkeypatch: pytest.MonkeyPatch, processors: int, rows: int) -> None:
    monkeypatch.setattr(parallel, "processors", lambda: processors)
    parts = slices(rows)
    assert [place for part in parts for place in range(rows)[part]] == list(range(rows))
    assert len(parts) == (processors if rows == ROWS else 1)


@pytest.mark.parametrize("processors", [1, 3])
def test_results_keep_their_order_and_errors_come_through(monkeypatch: pytest.MonkeyPatch, processors: int) -> None:
    monkeypatch.setattr(parallel, "processors", lambda: processors)
    assert each(lambda number: 12 // number, [4, 3, 2]) == [3, 4, 6]
    with pytest.raises(ZeroDivisionError):
        each(lambda number: 12 // number, [4, 0, 2])


def test_journeys_of_many_threads_equal_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    opportunities = ROWS // 5
    closed = START + rng.integers(0, 100 * DAY, opportunities)
    opportunity = rng.integers(0, opportunities, ROWS)
    touches = Touches(
        opportunity=opportunity,
        id=rng.permutation(ROWS),
        campaign=rng.integers(0, 50, ROWS),
        channel=rng.integers(0, 5, ROWS),
        # Whole hours: many touches of a deal share a moment. Some come after its close.
        occurred_at=(closed[opportunity] - rng.integers(-5 * DAY, 100 * DAY, ROWS)) // (DAY // 24) * (DAY // 24),
    )
    milestones = Milestones(closed - 20 * DAY, closed, closed)
    found = []
    for processors in (1, 2, 3):
        monkeypatch.setattr(parallel, "processors", lambda count=processors: count)
        found.append(build(touches, milestones, Settings(look_back_days=90)))
    (one, one_out), *others = found
    expected = np.lexsort((touches.id, touches.occurred_at, touches.opportunity))
    assert np.array_equal(one.row, expected[~np.isin(expected, one_out.row)])
    for many, many_out in others:
        for column in ("row", "journey", "age", "occurred_at", "starts", "campaign", "opportunity_creation"):
            assert np.array_equal(getattr(one, column), getattr(many, column)), column
        assert np.array_equal(one_out.row, many_out.row)
