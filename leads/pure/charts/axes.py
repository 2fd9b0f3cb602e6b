"""A value axis with round ticks and grid lines, and labels below columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leads.pure.charts.canvas import GRID, MUTED, Formatter, label, tag, text_width


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing area inside the axes, in user units, and the values at its bottom and top."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float

    @property
    def inner_width(self) -> float:
        """Distance between the left and right edge."""
        return self.right - self.left

    def y(self, value: float) -> float:
        """The height of a value."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def span(self, value: float) -> tuple[float, float]:
        """Upper edge and height of a bar from zero; never invisible."""
        upper, lower = sorted((self.y(0), self.y(value)))
        return (upper, lower - upper) if lower - upper >= 1 else (lower - 1, 1.0)


def value_axis(
    values: Sequence[float],
    words: Formatter,
    *,
    width: float,
    height: float,
    top: float,
    bottom: float,
    right: float = 6,
) -> tuple[str, Frame]:
    """Grid lines with their words at the left, for ticks in rising order."""
    said = [words(value) for value in values]
    left = max(text_width(text) for text in said) + 12
    frame = Frame(left, width - right, top, height - bottom, values[0], values[-1])
    marks = []
    for value, text in zip(values, said, strict=True):
        y = frame.y(value)
        strong = value == 0 and values[0] < 0
        marks.append(tag("line", x1=left, x2=frame.right, y1=y, y2=y, stroke=MUTED if strong else GRID, stroke_width=1))
        marks.append(label(text, left - 8, y + 4, text_anchor="end"))
    return "".join(marks), frame


def columns(labels: Sequence[str], frame: Frame, y: float, *, at_edges: bool = False) -> str:
    """Labels below columns, as many as fit; the last one, the newest, is always among them."""
    slots = max(1, len(labels) - 1) if at_edges else len(labels)
    step = frame.inner_width / slots
    widest = max(text_width(text) for text in labels) + 10
    every = max(1, -(-int(widest) // max(1, int(step))))
    marks = []
    for index, text in enumerate(labels):
        if (len(labels) - 1 - index) % every:
            continue
        x = frame.left + step * (index if at_edges else index + 0.5)
        half = text_width(text) / 2
        anchor, x = ("end", frame.right + 4) if x + half > frame.right + (18 if at_edges else 6) else ("middle", x)
        marks.append(label(text, x, y, text_anchor=anchor))
    return "".join(marks)
