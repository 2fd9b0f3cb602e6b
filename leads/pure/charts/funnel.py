"""Stages from first to last, with the share that came on and what is still on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leads.pure.charts.bars import hatch
from leads.pure.charts.canvas import (
    ACCENT,
    GOOD,
    INK,
    NARROW,
    Chart,
    Formatter,
    Table,
    compact,
    drawing,
    label,
    mark,
    nothing,
    tag,
)

_BLUES = (ACCENT, "#3d6bde", "#5680e5", "#6b8fe9", "#7d9dec")


@dataclass(frozen=True, slots=True)
class Stage:
    """How many reached a stage, and how many of the stage before may still reach it."""

    name: str
    count: int
    open: int = 0


def funnel(
    stages: Sequence[Stage], *, title: str, desc: str = "", words: Formatter = compact, last_is_won: bool = True
) -> Chart:
    """Horizontal bars from a common edge, so that lengths compare; unfinished ones follow hatched.

    The share is of the stage before; with an empty stage before there is none.
    """
    rows = tuple((s.name, words(s.count), words(s.open), _came_on(stages, i) or "–") for i, s in enumerate(stages))
    table = Table(("Stage", "Reached", "Still open", "Of stage before"), rows)
    largest = max((s.count + s.open for s in stages), default=0)
    if not largest:
        return Chart(title=title, svg=nothing(title), table=table)
    width, row = NARROW, 46.0
    marks = []
    for i, stage in enumerate(stages):
        y = i * row + 4
        color = GOOD if last_is_won and i == len(stages) - 1 else _BLUES[min(i, len(_BLUES) - 1)]
        full = width - 66
        solid = max(2.0, stage.count / largest * full) if stage.count else 0.0
        open_ = stage.open / largest * full
        came_on = _came_on(stages, i)
        marks.append(label(stage.name, 2, y + 12, width=200, fill=INK, font_size=13, font_weight=500))
        if came_on:
            marks.append(label(f"{came_on} of {stages[i - 1].name}", width - 2, y + 12, width=150, text_anchor="end"))
        marks.append(tag("rect", x=2, y=y + 18, width=width - 4, height=18, rx=4, fill="#f0f3f8"))
        if solid:
            marks.append(
                mark(
                    "rect",
                    f"{stage.name}: {words(stage.count)}",
                    x=2,
                    y=y + 18,
                    width=solid,
                    height=18,
                    rx=4,
                    fill=color,
                )
            )
        if open_:
            hint = f"{stage.name}: {words(stage.open)} may still come"
            marks.append(
                mark("rect", hint, x=2 + solid, y=y + 18, width=max(2.0, open_), height=18, rx=4, fill="url(#%ID%-h)")
            )
        end = 2 + solid + open_ + 7
        marks.append(label(words(stage.count), end, y + 32, fill=INK, font_size=13, font_weight=600))
    height = len(stages) * row + 2
    if any(s.open for s in stages):
        marks.append(tag("rect", x=2, y=height + 2, width=18, height=10, rx=2.5, fill="url(#%ID%-h)"))
        marks.append(label("not finished: may still come", 26, height + 11))
        height += 18
    said = desc or "; ".join(f"{s.name} {words(s.count)}" for s in stages) + "."
    svg = drawing(
        marks,
        title=title,
        desc=said,
        width=width,
        height=height,
        kind="funnel",
        defs=hatch("#9db4ea") if any(s.open for s in stages) else "",
    )
    return Chart(title=title, svg=svg, table=table)


def _came_on(stages: Sequence[Stage], index: int) -> str:
    if not index or not stages[index - 1].count:
        return ""
    return f"{stages[index].count / stages[index - 1].count * 100:.1f}%"
