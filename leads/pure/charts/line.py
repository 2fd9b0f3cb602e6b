"""Lines over weeks, with a target."""

from __future__ import annotations

from collections.abc import Sequence

from leads.pure.charts.axes import Frame, columns, value_axis
from leads.pure.charts.bars import Group
from leads.pure.charts.canvas import (
    ACCENT,
    INK,
    MUTED,
    NARROW,
    SERIES,
    Chart,
    Formatter,
    Table,
    Value,
    compact,
    drawing,
    label,
    legend,
    mark,
    nothing,
    number,
    tag,
    ticks,
    worded,
)
from leads.pure.charts.sparkline import runs


def line(
    labels: Sequence[str],
    series: Sequence[Group],
    *,
    title: str,
    desc: str = "",
    words: Formatter = compact,
    target: float | None = None,
    target_name: str = "Target",
    colors: Sequence[str] = (),
    width: float = 600,
) -> Chart:
    """One line per series over the same weeks; None is a gap, a value between two gaps a point.

    Args:
        labels: one per week, oldest first.
        series: (name, one value per week).
        target: drawn as a dashed line with its name.
        width: of the wide form; about the pixels of its place, so that words keep their size.
    """
    table = Table(
        ("Week", *(name for name, _ in series)),
        tuple((week, *(worded(values[i], words) for _, values in series)) for i, week in enumerate(labels)),
    )
    known = [value for _, values in series for value in values if value is not None]
    if not known:
        return Chart(title=title, svg=nothing(title), table=table)
    palette = colors or ((ACCENT,) if len(series) == 1 else SERIES)
    shades = [palette[i % len(palette)] for i in range(len(series))]
    ends = (f"{name}: {worded(values[0], words)} to {worded(values[-1], words)}" for name, values in series)
    said = desc or "; ".join(ends) + "."
    reach = known if target is None else [*known, target]
    # Bars must start at zero, lines need not: a rate between 28% and 33% would be a flat line.
    levels = ticks(min(reach), max(reach), from_zero=min(reach) < 0.6 * max(reach))

    def draw(width: float, height: float) -> str:
        names = [(name, shades[i]) for i, (name, _) in enumerate(series)]
        keys, top = legend(names, x=4, y=4, width=width - 8) if len(series) > 1 else ("", 0.0)
        axis, frame = value_axis(levels, words, width=width, height=height, top=top + 14, bottom=30, right=18)
        marks = [keys, axis, columns(labels, frame, height - 10, at_edges=len(labels) > 1)]
        if target is not None:
            early = [value for value in series[0][1][: max(1, len(labels) // 3)] if value is not None]
            is_below = bool(early) and sum(early) / len(early) > target
            marks += _target(frame, target, f"{target_name} {words(target)}", is_below=is_below)
        for (name, values), color in zip(series, shades, strict=True):
            marks += _values(frame, labels, name, values, color, words)
        if len(series) == 1 and len(labels) > 1:
            marks += _newest(frame, series[0][1], words)
        return drawing(marks, title=title, desc=said, width=width, height=height, kind="line")

    return Chart(title=title, svg=draw(width, 260), table=table, narrow=draw(NARROW, 250))


def _target(frame: Frame, target: float, name: str, *, is_below: bool) -> list[str]:
    y = frame.y(target)
    dashes = {"stroke": MUTED, "stroke_width": "1.5", "stroke_dasharray": "5 4"}
    rule = tag("path", d=f"M{number(frame.left)} {number(y)}H{number(frame.right)}", **dashes)
    # The words stand on the side of the line where the first values are not.
    at = y + 15 if is_below else y - 6
    return [rule, label(name, frame.left + 4, at, width=frame.inner_width, font_weight=500)]


def _values(
    frame: Frame, labels: Sequence[str], name: str, values: Sequence[Value], color: str, words: Formatter
) -> list[str]:
    """The lines between gaps, and a point per value; with many weeks only the tooltip of a point remains."""
    step = frame.inner_width / max(1, len(labels) - 1)
    start = frame.left + (frame.inner_width / 2 if len(labels) == 1 else 0)
    marks = []
    for run in runs(values):
        points = [(start + step * i, frame.y(value)) for i, value in run]
        if len(points) > 1:
            path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
            marks.append(tag("path", d=path, fill="none", stroke=color, stroke_width=2.25, stroke_linejoin="round"))
        for (x, y), (i, value) in zip(points, run, strict=True):
            look = {"r": 3, "fill_opacity": 1} if len(run) == 1 or len(labels) <= 16 else {"r": 6, "fill_opacity": 0}
            marks.append(mark("circle", f"{labels[i]}, {name}: {words(value)}", cx=x, cy=y, fill=color, **look))
    return marks


def _newest(frame: Frame, values: Sequence[Value], words: Formatter) -> list[str]:
    """The last value in words, on the side the line does not come from."""
    newest, before = values[-1], values[-2]
    if newest is None:
        return []
    y = frame.y(newest)
    falls = before is not None and newest < before and y + 18 < frame.bottom
    at = y + (18 if falls else -9)
    return [label(words(newest), frame.right + 2, at, fill=INK, font_weight=600, text_anchor="end")]
