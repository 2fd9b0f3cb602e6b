"""Bars: grouped for wide places, horizontal for phones, stacked for weekly series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leads.pure.charts.axes import columns, value_axis
from leads.pure.charts.canvas import (
    ACCENT,
    INK,
    NARROW,
    NEGLIGIBLE,
    PAPER,
    SERIES,
    SOFT,
    Chart,
    Formatter,
    Table,
    Value,
    compact,
    drawing,
    fitted,
    label,
    legend,
    mark,
    nothing,
    tag,
    text_width,
    ticks,
    worded,
)

Group = tuple[str, Sequence[Value]]


def bars(
    groups: Sequence[Group],
    *,
    series: Sequence[str],
    title: str,
    of: str = "Name",
    desc: str = "",
    words: Formatter = compact,
    colors: Sequence[str] = (),
    width: float = 600,
) -> Chart:
    """Grouped vertical bars; phones get the same as `hbars`.

    Args:
        groups: (label, one value per series); a None is left out.
        series: names, the one that matters first; a second one is drawn paler, to its left, as "before".
        of: what a group is, the first column of the table.
        words: value → text, for axis, labels, tooltips and table.
        width: about the pixels of the place, so that words keep their size.
    """
    flat = hbars(groups, series=series, title=title, desc=desc, of=of, words=words, colors=colors)
    known = [value for _, values in groups for value in values if value is not None]
    if not known:
        return flat
    height = 290.0
    shades = _shades(len(series), colors)
    keys, top = (
        legend(list(zip(series, shades, strict=True)), x=4, y=4, width=width - 8) if len(series) > 1 else ("", 0.0)
    )
    axis, frame = value_axis(
        ticks(min(known), max(known)),
        words,
        width=width,
        height=height,
        top=top + 16,
        bottom=46 if min(known) < 0 else 34,
    )
    step = frame.inner_width / len(groups)
    order = list(range(len(series)))[::-1] if len(series) == 2 and not colors else list(range(len(series)))
    thick = min(34.0, step * 0.72 / len(series))
    marks = [keys, axis]
    for index, (name, values) in enumerate(groups):
        middle = frame.left + step * (index + 0.5)
        left = middle - (thick + 2) * len(series) / 2 + 1
        for place, which in enumerate(order):
            value = values[which] if which < len(values) else None
            if value is None:
                continue
            x, y, tall = left + place * (thick + 2), *frame.span(value)
            hint = f"{name}, {series[which]}: {words(value)}"
            marks.append(
                mark("rect", hint, x=x, y=y, width=thick, height=tall, rx=min(3.0, tall / 2), fill=shades[which])
            )
            said = words(value)
            if which == 0 and len(series) < 3 and text_width(said) < step * 0.9:
                at = y - 6 if value >= 0 else y + tall + 14
                marks.append(label(said, x + thick / 2, at, fill=INK, font_weight=600, text_anchor="middle"))
        marks.append(label(name, middle, height - 12, width=step - 8, fill=INK, text_anchor="middle"))
    svg = drawing(marks, title=title, desc=desc or _desc(groups, words), width=width, height=height, kind="bars")
    return Chart(title=title, svg=svg, table=flat.table, narrow=flat.svg)


def hbars(
    groups: Sequence[Group],
    *,
    series: Sequence[str],
    title: str,
    of: str = "Name",
    desc: str = "",
    words: Formatter = compact,
    colors: Sequence[str] = (),
) -> Chart:
    """Horizontal bars in a narrow box, readable at 390 px: label, then one bar per series with its value."""
    table = Table((of, *series), tuple((name, *(worded(v, words) for v in values)) for name, values in groups))
    known = [value for _, values in groups for value in values if value is not None]
    if not known:
        return Chart(title=title, svg=nothing(title), table=table)
    width, shades = NARROW, _shades(len(series), colors)
    keys, y = (
        legend(list(zip(series, shades, strict=True)), x=2, y=4, width=width - 4) if len(series) > 1 else ("", 0.0)
    )
    y += 6
    marks = [keys]
    low, high = min(0.0, *known), max(0.0, *known)
    # Every bar leaves room for its own words, on its own side of zero.
    room = max(text_width(words(v), 14) for v in known) + 12
    left = 2 + (room if low < 0 else 0)
    scale = (width - left - (room if high > 0 else 2)) / (high - low if high - low > NEGLIGIBLE else 1)
    zero = left - low * scale
    thick = 16.0 if len(series) == 1 else 13.0
    for name, values in groups:
        marks.append(label(name, 2, y + 12, width=width - 4, fill=INK, font_size=13, font_weight=500))
        y += 18
        for which, value in enumerate(values):
            if value is None:
                continue
            length = max(1.0, abs(value) * scale)
            x = zero if value >= 0 else zero - length
            hint = f"{name}, {series[which]}: {words(value)}"
            marks.append(mark("rect", hint, x=x, y=y, width=length, height=thick, rx=3, fill=shades[which]))
            end, anchor = (x + length + 6, "start") if value >= 0 else (x - 6, "end")
            weight = 600 if which == 0 else 400
            marks.append(
                label(
                    words(value),
                    end,
                    y + thick - 3,
                    fill=INK,
                    font_size=13 if which == 0 else 12,
                    font_weight=weight,
                    text_anchor=anchor,
                )
            )
            y += thick + 2
        y += 9
    if low < 0:
        marks.append(tag("line", x1=zero, x2=zero, y1=4, y2=y - 6, stroke=INK, stroke_width=1))
    svg = drawing(marks, title=title, desc=desc or _desc(groups, words), width=width, height=y, kind="hbars")
    return Chart(title=title, svg=svg, table=table)


def stacked_bars(
    labels: Sequence[str],
    series: Sequence[Group],
    *,
    title: str,
    desc: str = "",
    words: Formatter = compact,
    colors: Sequence[str] = (),
    unfinished: Sequence[int] = (),
    width: float = 600,
) -> Chart:
    """A column per week, a color per series; negative values stack below zero.

    Args:
        labels: one per column.
        series: (name, one value per column).
        unfinished: indexes of columns still growing; they are hatched.
        width: of the wide form; about the pixels of its place, so that words keep their size.
    """
    totals = [_total([values[i] for _, values in series]) for i in range(len(labels))]
    rows = tuple(
        (name, *(worded(values[i], words) for _, values in series), worded(totals[i], words))
        for i, name in enumerate(labels)
    )
    table = Table(("Week", *(name for name, _ in series), "Total"), rows)
    if all(total is None for total in totals):
        return Chart(title=title, svg=nothing(title), table=table)
    shades = [*colors] or [SERIES[i % len(SERIES)] for i in range(len(series))]
    said = desc or f"{len(labels)} columns, {labels[0]} to {labels[-1]}; the last total is {worded(totals[-1], words)}."

    def draw(width: float, height: float) -> str:
        keys, top = legend([(name, shades[i]) for i, (name, _) in enumerate(series)], x=4, y=4, width=width - 8)
        ups = [sum(v for _, vs in series if (v := vs[i]) is not None and v > 0) for i in range(len(labels))]
        downs = [sum(v for _, vs in series if (v := vs[i]) is not None and v < 0) for i in range(len(labels))]
        axis, frame = value_axis(
            ticks(min(downs), max(ups)), words, width=width, height=height, top=top + 12, bottom=30
        )
        marks = [keys, axis, columns(labels, frame, height - 10)]
        step = frame.inner_width / len(labels)
        for i, name in enumerate(labels):
            up = down = 0.0
            for which, (series_name, values) in enumerate(series):
                value = values[i]
                if not value:
                    continue
                base = up if value > 0 else down
                y1, y2 = sorted((frame.y(base), frame.y(base + value)))
                up, down = (up + value, down) if value > 0 else (up, down + value)
                place: dict[str, Any] = {
                    "x": frame.left + step * i + step * 0.14,
                    "y": y1,
                    "width": step * 0.72,
                    "height": max(0.6, y2 - y1),
                }
                hint = f"{name}, {series_name}: {words(value)} of {worded(totals[i], words)}"
                marks.append(mark("rect", hint, **place, fill=shades[which], stroke=PAPER, stroke_width=0.75))
                if i in unfinished:
                    marks.append(tag("rect", **place, fill="url(#%ID%-h)", pointer_events="none"))
        defs = hatch(PAPER) if unfinished else ""
        return drawing(marks, title=title, desc=said, width=width, height=height, kind="stacked", defs=defs)

    return Chart(title=title, svg=draw(width, 280), table=table, narrow=draw(NARROW, 280))


def hatch(color: str) -> str:
    """A pattern of slanted lines, id `%ID%-h`: the mark of what is not finished."""
    lines = f'<path d="M0 6L6 0M-1.5 1.5L1.5 -1.5M4.5 7.5L7.5 4.5" stroke="{color}" stroke-width="1.8"/>'
    return f'<pattern id="%ID%-h" width="6" height="6" patternUnits="userSpaceOnUse">{lines}</pattern>'


def _shades(n: int, colors: Sequence[str]) -> list[str]:
    if colors:
        return [colors[i % len(colors)] for i in range(n)]
    return [ACCENT, SOFT] if n == 2 else [SERIES[i % len(SERIES)] for i in range(n)]


def _total(values: Sequence[Value]) -> Value:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _desc(groups: Sequence[Group], words: Formatter) -> str:
    said = [f"{fitted(name, 200)} {worded(values[0], words)}" for name, values in groups[:12] if values]
    return "; ".join(said) + "."
