"""Charts: well-formed, deterministic, without CSS, and right at the edges: zero, negative, gaps, one point, huge."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.charts import (
    Chart,
    Stage,
    Touch,
    bars,
    compact,
    funnel,
    hbars,
    history,
    journey,
    line,
    shares,
    sparkline,
    stacked_bars,
)
from leads.pure.charts.canvas import fitted, text_width, ticks

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 8, 3, 9, tzinfo=UTC)
values = st.lists(st.none() | st.floats(-1e15, 1e15), min_size=1, max_size=14)


def drawings(chart: Chart) -> list[ElementTree.Element]:
    """Both forms, parsed; fails when one is not well-formed XML or holds what the policy forbids."""
    texts = [text for text in (chart.svg, chart.narrow) if text]
    for text in texts:
        assert "style=" not in text
        assert "class=" not in text.split(">", 1)[1]
        assert "nan" not in text
        assert "inf" not in text
        assert "%ID%" not in text
    return [ElementTree.fromstring(text) for text in texts]


def every_chart(numbers: list[float | None]) -> list[Chart]:
    weeks = [f"W{i}" for i in range(len(numbers))]
    groups = [(week, (value,)) for week, value in zip(weeks, numbers, strict=True)]
    return [
        sparkline(numbers, title="t", labels=weeks),
        bars(groups, series=("now",), title="t"),
        hbars(groups, series=("now",), title="t"),
        stacked_bars(weeks, [("a", numbers), ("b", numbers)], title="t", unfinished=(0,)),
        line(weeks, [("a", numbers)], title="t", target=3),
        line(weeks, [("a", numbers), ("b", numbers)], title="t"),
    ]


@given(values)
def test_any_values_draw_inside_the_box(numbers: list[float | None]) -> None:
    for chart in every_chart(numbers):
        assert len(chart.table.rows) == len(numbers)
        for root in drawings(chart):
            _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
            for shape in root.iter(f"{SVG}rect"):
                if "rx" in shape.attrib:
                    assert -0.5 <= float(shape.attrib["x"]) <= width
                    assert float(shape.attrib["width"]) >= 0
                    assert -1.5 <= float(shape.attrib["y"]) <= height


@pytest.mark.parametrize("numbers", [[0], [5], [-5], [None], [None, None], [0, 0, 0], [9.4e14], [1, None, 2], [5e-324]])
def test_edges_draw_and_are_said_in_the_table(numbers: list[float | None]) -> None:
    for chart in every_chart(numbers):
        for root in drawings(chart):
            assert root.attrib["role"] == "img"
            assert root.find(f"{SVG}title") is not None
        assert [row[1] for row in chart.table.rows] == ["–" if n is None else compact(n) for n in numbers]


def test_equal_charts_are_equal_strings_and_different_ones_have_different_ids() -> None:
    one, same, other = (bars([("A", (n,))], series=("now",), title="t") for n in (1, 1, 2))
    assert one == same
    ids = [set(re.findall(r' id="([^"]+)"', chart.svg + chart.narrow)) for chart in (one, other)]
    assert len(ids[0]) == 4
    assert not ids[0] & ids[1]


def test_words_from_outside_are_escaped() -> None:
    evil = '<script>"&'
    touch = Touch(START, evil, evil, 0.5, 1, (), "")
    charts = [
        *(f([(evil, (1, 2))], series=(evil, "b"), title=evil) for f in (bars, hbars)),
        journey([touch], title=evil),
        funnel([Stage(evil, 3)], title=evil),
        sparkline([1, 2], title=evil),
        history([(evil, "pass")], title=evil),
    ]
    for chart in charts:
        assert "<script" not in chart.svg
        assert drawings(chart)


def test_a_gap_breaks_the_line_and_a_lonely_value_is_a_point() -> None:
    chart = line(["a", "b", "c", "d"], [("x", [1, 2, None, 4])], title="t")
    root = drawings(chart)[0]
    assert len(root.findall(f"{SVG}path")) == 1
    assert len(root.findall(f"{SVG}circle")) == 3


def test_long_labels_are_cut_and_kept_as_tooltip() -> None:
    name = "Partner ecosystem and co-sell programs of the whole region"
    root = drawings(bars([(name, (1,)), ("B", (2,)), ("C", (2,)), ("D", (2,))], series=("now",), title="t"))[0]
    cut = [text for text in root.iter(f"{SVG}text") if "".join(text.itertext()).endswith("…")]
    assert len(cut) == 1
    assert cut[0].findtext(f"{SVG}title") == name


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.booleans())
def test_ticks_cover_the_values_in_few_even_round_steps(a: float, b: float, from_zero: bool) -> None:
    low, high = sorted((a, b))
    marks = ticks(low, high, from_zero=from_zero)
    step = marks[1] - marks[0]
    assert 2 <= len(marks) <= 8
    assert marks[0] <= low + step * 1e-6 + 1e-9
    assert marks[-1] >= high - step * 1e-6 - 1e-9
    assert f"{step:.1e}"[:3] in {"1.0", "2.0", "2.5", "5.0"}


def test_ticks_are_what_a_person_would_choose() -> None:
    assert ticks(0, 142) == [0, 50, 100, 150]
    assert ticks(-45, 120) == [-50, 0, 50, 100, 150]
    assert ticks(0, 0) == [0, 0.25, 0.5, 0.75, 1]
    assert ticks(28, 33, from_zero=False) == [28, 30, 32, 34]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (2.5, "2.5"), (1234, "1,234"), (12345, "12k"), (-1_200_000, "−1.2M"), (9.4e14, "940T")],
)
def test_compact(value: float, text: str) -> None:
    assert compact(value) == text


def test_funnel_says_shares_and_hatches_only_what_is_open() -> None:
    done = funnel([Stage("Leads", 200), Stage("Won", 50)], title="t")
    assert done.table.rows == (("Leads", "200", "0", "–"), ("Won", "50", "0", "25.0%"))
    assert "pattern" not in done.svg
    open_ = funnel([Stage("Leads", 200), Stage("Won", 50, open=20)], title="t")
    assert "pattern" in open_.svg
    assert "may still come" in open_.svg
    assert drawings(funnel([Stage("Leads", 0), Stage("Won", 0)], title="t"))
    assert drawings(funnel([], title="t"))


def test_journey_orders_touches_and_marks_what_was_left_out() -> None:
    touches = [
        Touch(START + timedelta(days=9), "Demo", "Sales", 0.6, 600, ("OC", "CW")),
        Touch(START, "Webinar", "Webinar", 0.4, 400, ("FT",)),
        Touch(START + timedelta(days=1), "Ad", "Paid", rejected="after the deal was won"),
    ]
    chart = journey(touches, title="t")
    assert [row[0] for row in chart.table.rows] == ["Webinar", "Ad", "Demo"]
    assert chart.table.rows[1][-1] == "after the deal was won"
    words = ["".join(text.itertext()) for text in drawings(chart)[0].iter(f"{SVG}text")]
    assert {"FT", "OC", "CW"} <= set(words)
    assert "stroke-dasharray" in chart.svg


def test_shares_are_divided_in_proportion_and_what_is_nobodys_is_gray() -> None:
    rows = [("First", [30, 10, 0]), ("Linear", [0, 20, 20]), ("Nothing", [0, 0, 0])]
    words = {"of": "Method", "words": lambda cents: f"{cents} €", "percent": lambda share: f"{share:.0%}"}
    chart = shares(rows, series=["Mail", "Search", "Nobody"], title="Mix", has_rest=True, highlight="First", **words)
    for drawn in (chart.svg, chart.narrow):
        ElementTree.fromstring(drawn)
        bars = [float(width) for width in re.findall(r'<rect x="[^"]+" y="[^"]+" width="([^"]+)" height="20"', drawn)]
        assert len(bars) == 4
        assert bars[0] == pytest.approx(3 * bars[1], rel=0.01)
        assert sum(bars[:2]) == pytest.approx(sum(bars[2:]), rel=0.01)
        assert "First, Mail: 30 €, 75%" in drawn
        assert drawn.count('fill="#c9d0da"') == 2
    assert chart.table.rows[2] == ("Nothing", "0 €", "0 €", "0 €")
    assert "No data" in shares(rows[2:], series=["A", "B", "C"], title="Mix", **words).svg


@pytest.mark.parametrize("count", [0, 1, 2, 400])
def test_journey_of_any_length_on_one_day(count: int) -> None:
    chart = journey([Touch(START, f"T{i}", "Email", 1 / max(1, count), 1.0) for i in range(count)], title="t")
    for root in drawings(chart):
        _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
        for circle in root.iter(f"{SVG}circle"):
            assert 0 < float(circle.attrib["cx"]) < width
            assert 0 < float(circle.attrib["cy"]) < height


def test_history_counts_in_words_and_keeps_to_its_slots() -> None:
    checks = [("1 Nov", "pass"), ("2 Nov", "fail"), ("3 Nov", "pass")]
    chart = history(checks, title="Hand-over", slots=2)
    assert "1 of the last 2 passed, the newest passed" in chart.svg
    assert len(drawings(chart)[0].findall(f"{SVG}rect")) == 2
    assert "not checked yet" in history([], title="Hand-over").svg


@given(st.text(max_size=80), st.floats(1, 400))
def test_fitted_text_never_grows(text: str, width: float) -> None:
    cut = fitted(text, width)
    assert cut == text or (cut.endswith("…") and len(cut) <= max(len(text), 2))
    assert text_width(text) > width or cut == text
