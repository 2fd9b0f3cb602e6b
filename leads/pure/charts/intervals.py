"""Shares as bars with the interval each may lie in."""

from __future__ import annotations

from collections.abc import Sequence

from leads.pure.charts.canvas import (
    ACCENT,
    GRID,
    INK,
    NARROW,
    SOFT,
    Chart,
    Formatter,
    Table,
    drawing,
    label,
    mark,
    nothing,
    tag,
    worded,
)

Row = tuple[str, float | None, float | None, float | None]


def intervals(rows: Sequence[Row], *, title: str, of: str, words: Formatter, highlight: str = "") -> Chart:
    """One bar per row (name, value, low, high; shares from 0 to 1) with a line from low to high across it.

    The row named ``highlight`` has the strong color; ends that are not known are left out.
    """
    table = Table(
        (of, "Share", "From", "To"),
        tuple((name, worded(value, words), worded(low, words), worded(high, words)) for name, value, low, high in rows),
    )
    if not any(value is not None for _, value, _, _ in rows):
        return Chart(title=title, svg=nothing(title), table=table)
    room, y = 54.0, 6.0
    wide = NARROW - room - 4
    marks = []
    for name, value, low, high in rows:
        marks.append(
            label(
                name, 2, y + 12, width=NARROW - 4, fill=INK, font_size=13, font_weight=650 if name == highlight else 450
            )
        )
        y += 18
        marks.append(tag("rect", x=2, y=y, width=wide, height=12, rx=3, fill=GRID))
        if value is not None:
            length = max(1.0, min(value, 1.0) * wide)
            hint = f"{name}: {words(value)}"
            fill = ACCENT if name == highlight or not highlight else SOFT
            marks.append(mark("rect", hint, x=2, y=y, width=length, height=12, rx=3, fill=fill))
            marks.append(label(words(value), wide + 8, y + 10, fill=INK, font_size=13, font_weight=600))
        if low is not None and high is not None:
            left, right = 2 + max(low, 0) * wide, 2 + min(high, 1) * wide
            marks.append(tag("line", x1=left, x2=right, y1=y + 6, y2=y + 6, stroke=INK, stroke_width=1.5))
            marks += [tag("line", x1=x, x2=x, y1=y + 2, y2=y + 10, stroke=INK, stroke_width=1.5) for x in (left, right)]
        y += 21
    said = "; ".join(f"{name} {worded(value, words)}" for name, value, _, _ in rows[:12]) + "."
    return Chart(
        title=title, svg=drawing(marks, title=title, desc=said, width=NARROW, height=y, kind="hbars"), table=table
    )
