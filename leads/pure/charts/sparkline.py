"""A small line for tiles and table cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from leads.pure.charts.canvas import (
    ACCENT,
    FONT,
    GRID,
    Chart,
    Formatter,
    Table,
    Value,
    compact,
    number,
    tag,
    worded,
)


def sparkline(
    values: Sequence[Value],
    *,
    title: str,
    labels: Sequence[str] = (),
    words: Formatter = compact,
    width: float = 120,
    height: float = 34,
    color: str = ACCENT,
) -> Chart:
    """A line without axes, oldest value first; None leaves a gap, the last value has a dot.

    It stretches to the width of its place, so strokes do not scale. It carries no ids: a list may hold hundreds, and
    a flat line is like any other.
    """
    known = [value for value in values if value is not None]
    rows = tuple((name, worded(value, words)) for name, value in zip(labels, values, strict=False))
    said = f"{title}: {worded(known[0], words)} to {worded(known[-1], words)}" if known else f"{title}: no data"
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    step = (width - 8) / max(1, len(values) - 1)

    def at(index: int, value: float) -> tuple[float, float]:
        level = (value - low) / (high - low) if high > low else 0.5
        return 4 + index * step, height - 5 - level * (height - 10)

    marks = [_run([at(i, v) for i, v in run], height, color) for run in runs(values)]
    if known:
        last = max(i for i, value in enumerate(values) if value is not None)
        marks.append(_dot(at(last, known[-1]), color, 6))
    else:
        middle = number(height / 2)
        marks.append(
            tag("path", d=f"M4 {middle}H{number(width - 4)}", stroke=GRID, stroke_width=2, stroke_dasharray="3 3")
        )
    svg = (
        f'<svg class="spark" xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
        f'viewBox="0 0 {number(width)} {number(height)}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(said)}" font-family="{FONT}"><title>{escape(said)}</title>{"".join(marks)}</svg>'
    )
    return Chart(title=title, svg=svg, table=Table(("Week", title), rows))


def runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as (index, value)."""
    out: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            out.append([])
        else:
            out[-1].append((index, value))
    return [run for run in out if run]


def _run(points: list[tuple[float, float]], height: float, color: str) -> str:
    if len(points) == 1:
        return _dot(points[0], color, 4)
    line = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
    area = f"{line}L{number(points[-1][0])} {number(height)}L{number(points[0][0])} {number(height)}Z"
    return tag("path", d=area, fill=color, fill_opacity="0.09") + tag(
        "path",
        d=line,
        fill="none",
        stroke=color,
        stroke_width=1.75,
        stroke_linejoin="round",
        vector_effect="non-scaling-stroke",
    )


def _dot(point: tuple[float, float], color: str, size: float) -> str:
    # A line of no length with round caps: a circle would be squeezed into an oval when the drawing is stretched.
    x, y = (number(v) for v in point)
    return tag(
        "path",
        d=f"M{x} {y}h0",
        stroke=color,
        stroke_width=size,
        stroke_linecap="round",
        vector_effect="non-scaling-stroke",
    )
