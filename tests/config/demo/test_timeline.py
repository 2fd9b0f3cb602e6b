"""Changes of the demo: few, in the order of their moments, and none before what it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from config.demo.past import spans
from config.demo.timeline import FINE, SPACE, Timeline, Writer
from leads.past.acting import Door
from leads.past.moments import from_micros

UNTIL = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
WEBSITE = Writer(Door.API, source="Website")
REP = Writer(Door.PAGE, actor=4)
FEED = Writer(Door.API, source="Spend feed", is_punctual=True)


def moments(*noted: tuple[datetime, Writer]) -> list[datetime]:
    """The moment at which each became known."""
    timeline = Timeline(UNTIL)
    numbers = [timeline.note(at, writer) for at, writer in noted]
    ids, rows = timeline.changes(0)
    known = {row.pk: from_micros(row.at) for row in rows}
    return [known[ids[number]] for number in numbers]


def test_a_recent_change_holds_an_hour_of_one_writer() -> None:
    at = UNTIL - timedelta(days=3, minutes=50)
    assert (
        moments((at, WEBSITE), (at + timedelta(minutes=19), WEBSITE)) == [at.replace(minute=0) + timedelta(hours=1)] * 2
    )


def test_an_old_change_holds_a_day_that_ends_before_the_report() -> None:
    at = datetime(2026, 3, 5, 3, 59, tzinfo=UTC)
    assert at < UNTIL - FINE
    known = moments((at, WEBSITE), (at + timedelta(minutes=1), WEBSITE))
    assert known == [datetime(2026, 3, 5, 4, tzinfo=UTC), datetime(2026, 3, 6, 4, tzinfo=UTC)]


def test_a_punctual_writer_is_known_at_once() -> None:
    at = datetime(2026, 3, 5, 4, tzinfo=UTC)
    assert moments((at, FEED)) == [at]


def test_nothing_is_known_after_the_end() -> None:
    assert moments((UNTIL - timedelta(minutes=1), WEBSITE)) == [UNTIL]


def test_ids_ascend_with_moments_and_leave_room() -> None:
    timeline = Timeline(UNTIL)
    days = [UNTIL - timedelta(days=day) for day in (1, 90, 30, 700, 2)]
    for at in days:
        timeline.note(at, REP)
        timeline.note(at, WEBSITE)
    _, rows = timeline.changes(1)
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert [row.pk for row in rows] == [1 + SPACE * (place + 1) for place in range(10)]
    assert all(row.is_backdated for row in rows)


def test_spans_end_where_the_next_begins() -> None:
    rows = [(7, 10, "lead"), (7, 20, "mql"), (8, 10, "lead")]
    assert list(spans(rows, {10: 1, 20: 2})) == [(7, 1, 2, "lead"), (7, 2, None, "mql"), (8, 1, None, "lead")]


def test_what_one_change_wrote_of_a_row_is_one_version() -> None:
    rows = [(7, 10, "lead"), (7, 10, "mql"), (7, 20, "mql"), (7, 30, "sal")]
    assert list(spans(rows, {10: 1, 20: 2, 30: 3})) == [(7, 1, 3, "mql"), (7, 3, None, "sal")]


def test_a_version_never_begins_before_the_one_it_follows() -> None:
    rows = [(7, 20, "lead"), (7, 10, "mql"), (7, 30, "sal")]
    assert list(spans(rows, {10: 1, 20: 2, 30: 3})) == [(7, 2, 3, "mql"), (7, 3, None, "sal")]
