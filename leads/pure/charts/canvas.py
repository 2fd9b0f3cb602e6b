"""What every chart shares: the result, colors, round ticks, words cut to fit, and the SVG around the marks.

Colors and sizes are presentation attributes, never CSS: WeasyPrint ignores page CSS inside SVG, and the content
security policy forbids `style=`. The same string serves page, PDF and e-mail attachment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape

Formatter = Callable[[float], str]
Value = float | None

INK, MUTED, GRID, PAPER = "#1d2633", "#566070", "#e4e8ef", "#ffffff"
ACCENT, SOFT, GOOD, BAD = "#2457d6", "#b9c7ea", "#146c43", "#b02a37"
SERIES = (ACCENT, "#12908a", "#8a63d2", "#c2741b", "#cf4f78", "#6d7a8b", "#3a8fce", "#76922c")
NEGLIGIBLE = 1e-9
NARROW = 360.0  # user units of what phones get: words stay about 11 pixels high in a card at 390
FONT = "Inter Variable, Inter, system-ui, Segoe UI, Roboto, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart in words: column names, and rows of as many cells, the first naming the row."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its figures. `narrow` is the same drawing for a phone, empty where `svg` serves both."""

    title: str
    svg: str
    table: Table = Table()
    narrow: str = ""


def compact(value: float) -> str:
    """1234 → "1,234", 12345 → "12k", 1200000 → "1.2M"."""
    size = abs(value)
    for limit, unit, name in ((1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            decimals = 0 if size / unit >= 100 or name == "k" else 1
            return _sign(f"{value / unit:,.{decimals}f}".removesuffix(".0") + name)
    return _sign(f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:,.1f}")


def worded(value: Value, words: Formatter) -> str:
    """A cell of the table: the value in words, or a dash where there is none."""
    return "–" if value is None else words(value)


def ticks(low: float, high: float, wanted: int = 4, *, from_zero: bool = True) -> list[float]:
    """Round axis values covering [low, high], with zero unless told otherwise.

    Steps are 1, 2, 2.5 or 5 times a power of ten.
    """
    # Differences too small to be drawn are none: dividing by them would overflow.
    if from_zero or high - low <= NEGLIGIBLE * max(1.0, abs(high), abs(low)):
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= NEGLIGIBLE:
        low, high = 0.0, 1.0
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def number(value: float) -> str:
    """A coordinate: at most two decimals, no trailing zeros, so that equal drawings are equal strings."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def fitted(text: str, width: float, size: float = 12) -> str:
    """The text cut with an ellipsis where it would be wider than `width` user units (estimated for Inter)."""
    if text_width(text, size) <= width:
        return text
    room = len(text) - 1
    while room > 1 and text_width(text[:room] + "…", size) > width:
        room -= 1
    return text[:room].rstrip() + "…"


def text_width(text: str, size: float = 12) -> float:
    """Estimated width in user units; wide letters count more, so that nothing overlaps."""
    return sum(0.78 if c in "MWmw@%" else 0.3 if c in "iljtf.,:;'|! " else 0.6 for c in text) * size


def tag(name: str, content: str = "", **attributes: str | float) -> str:
    """One element; underscores in names become hyphens, numbers are shortened, values escaped."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{words}>{content}</{name}>" if content else f"<{name}{words}/>"


def label(text: str, x: float, y: float, *, width: float = 0, **more: str | float) -> str:
    """A text; cut to `width` if given, with the whole text as tooltip."""
    shown = fitted(text, width, float(more.get("font_size", 12))) if width else text
    tip = text if shown != text else ""
    attributes: dict[str, str | float] = {"x": x, "y": y, "font_size": 12, "fill": MUTED, **more}
    return tag("text", (f"<title>{escape(tip)}</title>" if tip else "") + escape(shown), **attributes)


def mark(name: str, hint: str, **attributes: str | float) -> str:
    """A shape with a native tooltip."""
    return tag(name, f"<title>{escape(hint)}</title>", **attributes)


def drawing(
    marks: Iterable[str], *, title: str, desc: str, width: float, height: float, kind: str, defs: str = ""
) -> str:
    """The `<svg>` around the marks. Ids come from the content: the same drawing is the same string everywhere.

    `defs` may hold the placeholder `%ID%`, as may the marks; it becomes the drawing's own id.
    """
    body = "".join(marks)
    key = "c" + sha256(f"{kind}{title}{desc}{width}{height}{body}".encode()).hexdigest()[:10]
    head = f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(desc)}</desc>'
    if defs:
        head += f"<defs>{defs}</defs>"
    return (
        f'<svg class="chart chart-{kind}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} '
        f'{number(height)}" role="img" aria-labelledby="{key}-t {key}-d" font-family="{FONT}">'
        f"{(head + body).replace('%ID%', key)}</svg>"
    )


def legend(items: Sequence[tuple[str, str]], *, x: float, y: float, width: float) -> tuple[str, float]:
    """Color keys in as many lines as they need; returns the marks and the height used. Items: (name, color)."""
    out, left, line = [], x, 0
    for name, color in items:
        shown = fitted(name, width - 22)
        need = 15 + text_width(shown) + 14
        if left > x and left + need - 14 > x + width:
            left, line = x, line + 1
        top = y + line * 18
        out.append(tag("rect", x=left, y=top, width=10, height=10, rx=2.5, fill=color))
        out.append(label(name, left + 15, top + 9, width=width - 22, fill=INK))
        left += need
    return "".join(out), (line + 1) * 18.0 if items else 0.0


def nothing(title: str, *, width: float = NARROW, height: float = 110, kind: str = "empty") -> str:
    """What a chart without a single value shows."""
    words = label("No data in this period", width / 2, height / 2, text_anchor="middle")
    return drawing([words], title=title, desc="No data in this period.", width=width, height=height, kind=kind)


def _sign(text: str) -> str:
    return text.replace("-", "−", 1)
