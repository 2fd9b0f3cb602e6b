"""Lines over weeks, with a target."""

from __future__ import annotations

from collections.abc import Sequence

from leads.pure.charts.axes import columns, value_axis
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
    shades = (
        [*colors] or [ACCENT]
        if len(series) == 1
        else [*colors] or [SERIES[i % len(SERIES)] for i in range(len(series))]
    )
    said = (
        desc
        or "; ".join(f"{name}: {worded(values[0], words)} to {worded(values[-1], words)}" for name, values in series)
        + "."
    )
    reach = known if target is None else [*known, target]

    def draw(width: float, height: float) -> str:
        names = [(name, shades[i]) for i, (name, _) in enumerate(series)]
        keys, top = legend(names, x=4, y=4, width=width - 8) if len(series) > 1 else ("", 0.0)
        axis, frame = value_axis(
            ticks(min(reach), max(reach), from_zero=min(reach) < 0.6 * max(reach)),
            words,
            width=width,
            height=height,
            top=top + 14,
            bottom=30,
            right=18,
        )
        step = frame.inner_width / max(1, len(labels) - 1)
        single = len(labels) == 1
        marks = [keys, axis, columns(labels, frame, height - 10, at_edges=not single)]
        if target is not None:
            y = frame.y(target)
            marks.append(
                tag(
                    "line",
                    x1=frame.left,
                    x2=frame.right,
                    y1=y,
                    y2=y,
                    stroke=MUTED,
                    stroke_width=1.5,
                    stroke_dasharray="5 4",
                )
            )
            marks.append(
                label(
                    f"{target_name} {words(target)}",
                    frame.left + 4,
                    y - 6,
                    width=frame.inner_width,
                    font_weight=500,
                    has_halo=True,
                )
            )
        for which, (name, values) in enumerate(series):
            for run in runs(values):
                points = [(frame.left + (frame.inner_width / 2 if single else step * i), frame.y(v)) for i, v in run]
                if len(points) > 1:
                    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
                    marks.append(
                        tag(
                            "path",
                            d=path,
                            fill="none",
                            stroke=shades[which],
                            stroke_width=2.25,
                            stroke_linejoin="round",
                        )
                    )
                for (x, y), (i, value) in zip(points, run, strict=True):
                    shown = len(run) == 1 or len(labels) <= 16 or i == len(labels) - 1
                    hint = f"{labels[i]}, {name}: {words(value)}"
                    marks.append(
                        mark(
                            "circle",
                            hint,
                            cx=x,
                            cy=y,
                            r=3 if shown else 6,
                            fill=shades[which],
                            fill_opacity=1 if shown else 0,
                        )
                    )
            newest = values[-1]
            if newest is not None and len(series) == 1 and not single:
                before = values[-2]
                falls = before is not None and newest < before
                y = frame.y(newest)
                marks.append(
                    label(
                        words(newest),
                        frame.right + 2,
                        y + (18 if falls else -9),
                        fill=INK,
                        font_weight=600,
                        text_anchor="end",
                        has_halo=True,
                    )
                )
        return drawing(marks, title=title, desc=said, width=width, height=height, kind="line")

    return Chart(title=title, svg=draw(width, 260), table=table, narrow=draw(NARROW, 250))
