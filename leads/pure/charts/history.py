"""A strip of past checks, oldest first, as wide as its place."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from leads.pure.charts.canvas import BAD, GOOD, Chart, Table, mark, number

_LOOK = {
    "pass": (GOOD, 1.0, "passed"),
    "fail": (BAD, 0.55, "failed"),
    "warn": ("#c2741b", 0.78, "close"),
    "": ("#c9d0da", 0.2, "not checked"),
}


def history(checks: Sequence[tuple[str, str]], *, title: str, slots: int = 30, height: float = 22) -> Chart:
    """One bar per check: (when in words, "pass" | "warn" | "fail" | ""); height tells what color tells.

    The newest `slots` checks are drawn, right-aligned; empty places stay grey. No ids: lists hold many strips.
    """
    shown = [("", "")] * (slots - len(checks)) + list(checks)[-slots:] if slots else list(checks)
    width, step = slots * 6.0, 6.0
    marks = []
    for i, (when, state) in enumerate(shown):
        color, tall, said = _LOOK.get(state, _LOOK[""])
        high = height * tall
        hint = f"{when}: {said}" if when else said
        marks.append(mark("rect", hint, x=i * step, y=height - high, width=step - 1.6, height=high, rx=1.4, fill=color))
    said = f"{title}: {_summary(checks[-slots:])}"
    svg = (
        f'<svg class="history" xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
        f'viewBox="0 0 {number(width)} {number(height)}" role="img" aria-label="{escape(said)}">'
        f"<title>{escape(said)}</title>{''.join(marks)}</svg>"
    )
    rows = tuple((when, _LOOK.get(state, _LOOK[""])[2]) for when, state in checks)
    return Chart(title=title, svg=svg, table=Table(("Checked", "Result"), rows))


def _summary(checks: Sequence[tuple[str, str]]) -> str:
    made = [check for check in checks if check[1]]
    if not made:
        return "not checked yet"
    passed = sum(state == "pass" for _, state in made)
    return f"{passed} of the last {len(made)} passed, the newest {_LOOK.get(made[-1][1], _LOOK[''])[2]}"
