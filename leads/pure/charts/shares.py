"""Wholes side by side, each divided into the same parts: one bar per row, all of one length."""

from __future__ import annotations

from collections.abc import Sequence

from leads.pure.charts.canvas import (
    INK,
    NARROW,
    PAPER,
    SERIES,
    SOFT,
    Chart,
    Formatter,
    Table,
    drawing,
    fitted,
    label,
    legend,
    mark,
    nothing,
    text_width,
    worded,
)

Row = tuple[str, Sequence[float]]
REST = "#c9d0da"
_LEAST = 0.5  # user units: what is thinner cannot be seen


def shares(
    rows: Sequence[Row],
    *,
    series: Sequence[str],
    title: str,
    of: str,
    words: Formatter,
    percent: Formatter,
    has_rest: bool = False,
    highlight: str = "",
    width: float = 1080,
) -> Chart:
    """One bar per row (name, one value per series), divided in proportion; in the table only where one is negative.

    ``words`` prints a value, ``percent`` a share from 0 to 1. With ``has_rest`` the last series is gray: what belongs
    to nobody. The row named ``highlight`` is bold. ``width`` is that of the wide form; about the pixels of its place.
    """
    table = Table((of, *series), tuple((name, *(worded(value, words) for value in values)) for name, values in rows))
    known = [(name, values) for name, values in rows if sum(values) > 0 and min(values) >= 0]
    if not known:
        return Chart(title=title, svg=nothing(title), table=table)
    colors = [*SERIES, SOFT][: len(series)]
    colors += [REST] * (len(series) - len(colors))
    if has_rest:
        colors[-1] = REST
    said = "; ".join(f"{name}: {_largest(values, series, percent)}" for name, values in known[:20]) + "."

    def draw(width: float, *, is_wide: bool) -> str:
        keys, y = legend(list(zip(series, colors, strict=True)), x=2, y=4, width=width - 4)
        y += 10
        marks = [keys]
        left = 2 + min(max(text_width(name, 14) for name, _ in known) + 12, width * 0.3) if is_wide else 2.0
        long, thick = width - left - 2, 20.0
        for name, values in known:
            place = (2.0, y + 14, left - 8) if is_wide else (2.0, y + 12, width - 4)
            weight = 650 if name == highlight else 450
            marks.append(label(name, *place[:2], width=place[2], fill=INK, font_size=13, font_weight=weight))
            y += 0 if is_wide else 18
            x, total = left, sum(values)
            for which, value in enumerate(values):
                length = value / total * long
                if length < _LEAST:
                    continue
                hint = f"{name}, {series[which]}: {words(value)}, {percent(value / total)}"
                marks.append(mark("rect", hint, x=x, y=y, width=length, height=thick, fill=colors[which], stroke=PAPER))
                text = percent(value / total)
                if fitted(text, length - 6, 11) == text:
                    ink = INK if colors[which] in (REST, SOFT) else PAPER
                    marks.append(
                        label(
                            text,
                            x + length / 2,
                            y + 14,
                            fill=ink,
                            font_size=11,
                            text_anchor="middle",
                            aria_hidden="true",
                        )
                    )
                x += length
            y += thick + 7
        return drawing(marks, title=title, desc=said, width=width, height=y, kind="shares")

    return Chart(title=title, svg=draw(width, is_wide=True), table=table, narrow=draw(NARROW, is_wide=False))


def _largest(values: Sequence[float], series: Sequence[str], percent: Formatter) -> str:
    most = max(range(len(values)), key=values.__getitem__)
    return f"most to {series[most]}, {percent(values[most] / sum(values))}"
