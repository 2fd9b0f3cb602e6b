"""The touches before one opportunity on a time axis, with their badges and credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.pure.charts.canvas import (
    GRID,
    INK,
    MUTED,
    NARROW,
    PAPER,
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
    tag,
    text_width,
    worded,
)

_BADGE = 20.0


@dataclass(frozen=True, slots=True)
class Touch:
    """One touch as drawn. `at` is aware and already in the company's time zone; `weight` is its share, 0 to 1.

    `badges` are short codes such as FT, LC, OC, CW; a touch that did not count says why in `rejected`.
    """

    at: datetime
    name: str
    channel: str
    weight: float | None = None
    credit: float | None = None
    badges: tuple[str, ...] = ()
    rejected: str = ""


def journey(
    touches: Sequence[Touch], *, title: str, desc: str = "", words: Formatter = compact, width: float = 720
) -> Chart:
    """Circles over a time axis: area by weight, color by channel, hollow when rejected; neighbors stack upwards."""
    ordered = sorted(touches, key=lambda touch: touch.at)
    table = Table(
        ("Touchpoint", "When", "Channel", "Marks", "Weight", "Credit", "Left out because"),
        tuple(_row(t, words) for t in ordered),
    )
    if not ordered:
        return Chart(title=title, svg=nothing(title), table=table)
    channels = list(dict.fromkeys(touch.channel for touch in ordered))
    shades = {channel: SERIES[i % len(SERIES)] for i, channel in enumerate(channels)}
    counted = [touch for touch in ordered if not touch.rejected]
    said = (
        desc
        or f"{len(counted)} touchpoints counted, {len(ordered) - len(counted)} left out, "
        f"{_day(ordered[0].at)} to {_day(ordered[-1].at)}."
    )

    def draw(width: float) -> str:
        keys, top = legend([(channel, shades[channel]) for channel in channels], x=4, y=4, width=width - 8)
        first, last = ordered[0].at, ordered[-1].at
        left, right = 28.0, width - 28.0
        span = (last - first).total_seconds()
        places = [left + (right - left) * ((t.at - first).total_seconds() / span if span else 0.5) for t in ordered]
        lanes = _lanes(
            [(x, max(_radius(t), len(t.badges) * _BADGE / 2) + 3) for x, t in zip(places, ordered, strict=True)]
        )
        axis = top + 24 + (max(lanes) + 1) * 44
        marks = [keys, tag("line", x1=8, x2=width - 8, y1=axis, y2=axis, stroke=MUTED, stroke_width=1)]
        marks += _dates(first, last, left, right, axis)
        stems, dots = [], []
        for touch, x, lane in zip(ordered, places, lanes, strict=True):
            y = axis - 24 - lane * 44
            stems.append(tag("line", x1=x, x2=x, y1=y, y2=axis, stroke=GRID, stroke_width=1.5))
            dots += _dot(touch, x, y, shades[touch.channel], words)
        return drawing([*marks, *stems, *dots], title=title, desc=said, width=width, height=axis + 26, kind="journey")

    return Chart(title=title, svg=draw(width), table=table, narrow=draw(NARROW))


def _dot(touch: Touch, x: float, y: float, color: str, words: Formatter) -> list[str]:
    radius = _radius(touch)
    hint = f"{touch.name}, {_day(touch.at)}"
    if touch.rejected:
        shape = mark(
            "circle",
            f"{hint}: left out, {touch.rejected}",
            cx=x,
            cy=y,
            r=radius,
            fill=PAPER,
            stroke=MUTED,
            stroke_width=1.5,
            stroke_dasharray="2.5 2",
        )
        return [shape]
    if touch.weight is not None:
        hint += f": {touch.weight * 100:.1f}%" + (f", {words(touch.credit)}" if touch.credit is not None else "")
    out = [mark("circle", hint, cx=x, cy=y, r=radius, fill=color, stroke=PAPER, stroke_width=1)]
    start = x - len(touch.badges) * _BADGE / 2
    for i, badge in enumerate(touch.badges):
        top = y - radius - 16
        out.append(tag("rect", x=start + i * _BADGE + 0.5, y=top, width=_BADGE - 1, height=13, rx=3, fill=INK))
        out.append(
            label(
                badge,
                start + (i + 0.5) * _BADGE,
                top + 9.6,
                font_size=9,
                font_weight=700,
                fill=PAPER,
                text_anchor="middle",
            )
        )
    return out


def _radius(touch: Touch) -> float:
    """Between 4 and 12: area grows with the weight."""
    return 4.0 if touch.rejected or not touch.weight else 4 + 8 * min(1.0, touch.weight) ** 0.5


def _lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The lowest free lane for each (middle, half width), given from left to right."""
    ends: list[float] = []
    out = []
    for middle, half in spans:
        lane = next((i for i, end in enumerate(ends) if end <= middle - half), len(ends))
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = middle + half
        out.append(lane)
    return out


def _dates(first: datetime, last: datetime, left: float, right: float, y: float) -> list[str]:
    """Days below the axis, evenly spread, the first and last always; one when all happened on one day."""
    if first.date() == last.date():
        return [label(_day(first), (left + right) / 2, y + 18, text_anchor="middle")]
    wanted = min(int((right - left) // (text_width(_day(last)) + 36)), (last.date() - first.date()).days)
    out = []
    for i in range(wanted + 1):
        at = first + timedelta(seconds=(last - first).total_seconds() * i / wanted) if wanted else first
        x = left + (right - left) * (i / wanted if wanted else 0)
        anchor, x = ("start", 4.0) if i == 0 else ("end", right + 24) if i == wanted else ("middle", x)
        out.append(label(_day(at), x, y + 18, text_anchor=anchor))
    return out


def _row(touch: Touch, words: Formatter) -> tuple[str, ...]:
    share = "–" if touch.weight is None else f"{touch.weight * 100:.1f}%"
    return (
        touch.name,
        _day(touch.at),
        touch.channel,
        " ".join(touch.badges),
        share,
        worded(touch.credit, words),
        touch.rejected,
    )


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
