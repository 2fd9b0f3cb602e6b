"""Read a figure the way a weekly report tells it: this week, last week, a quarter ago, target, history, verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from alignment.actions.report.freeze_figure import FrozenFigure, freeze_figure
from alignment.models import Target
from alignment.pure import sealing
from alignment.pure.variation import is_unusual
from leads.figures import words
from leads.figures.base import Definition, Number, Scope, definition, figure, series
from leads.pure import words as plain
from leads.pure.week import Period, Week

QUARTER_WEEKS = 13
SPARK_WEEKS = 12
# A monthly figure repeats its value four weeks long: its moving ranges say nothing about normal variation.
MONTHLY = frozenset({"leads.lead_velocity"})
# Parts of a cohort that may still come on; such a figure grows with age and is compared at the same age.
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Readings:
    """Reads figures of one week as known at one moment, and freezes each under its key."""

    week: Week
    scope: Scope
    freeze: Callable[[str, FrozenFigure], None]

    def tile(self, key: str) -> dict[str, Any]:
        """A figure with its history of 12 weeks."""
        told = self.plain(key, history := self._series(key))
        known = [value for _, value in history[1:-1] if value is not None]
        verdict = None
        if key not in MONTHLY and told["value"] is not None:
            verdict = is_unusual(known, float(told["value"]))
        values = [value for _, value in history[-SPARK_WEEKS:-1]] + [told["value"]]
        return told | {
            "series": [
                [str(week), sealing.plain(value)]
                for (week, _), value in zip(history[-SPARK_WEEKS:], values, strict=True)
            ],
            "is_unusual": bool(verdict and verdict.is_unusual),
            "unusual_direction": verdict.direction if verdict else "",
            "normal_low": self._text(key, _lowest(told["unit"], verdict.low)) if verdict and verdict.low else "",
            "normal_high": self._text(key, verdict.high) if verdict and verdict.high else "",
        }

    def plain(self, key: str, history: list[tuple[Week, Number | None]] | None = None) -> dict[str, Any]:
        """A figure with last week, the same week last quarter, and its target."""
        frozen = freeze_figure(key=key, scope=self.scope)
        self.freeze(key, frozen)
        meaning = frozen.figure.definition
        if history is None:
            earlier = self.week.previous()
            previous, quarter = self._then(meaning, earlier), None
        else:
            previous, quarter = history[-2][1], history[0][1]
        target = standing_target(key, self.week)
        return {
            "entry": key,
            "figure": key,
            "version": meaning.version,
            "name": meaning.name,
            "unit": meaning.unit,
            "better": meaning.better,
            "value": sealing.plain(frozen.value),
            "text": words.value_text(frozen.figure),
            "lacking_text": words.lacking_text(frozen.figure),
            "previous": sealing.plain(previous),
            "previous_text": self._text(key, previous),
            "quarter": sealing.plain(quarter),
            "quarter_text": self._text(key, quarter),
            "quarter_week": str(self.week.previous(QUARTER_WEEKS)),
            "target": sealing.plain(target),
            "target_text": "" if target is None else self._text(key, target),
            "is_cohort": PENDING in frozen.figure.totals,
            "pending": sealing.plain(frozen.figure.totals.get(PENDING)),
            **_change(meaning, frozen.value, previous),
        }

    def _series(self, key: str) -> list[tuple[Week, Number | None]]:
        first = self.week.previous(QUARTER_WEEKS)
        if PENDING not in definition(key).parts(self.scope):
            return series(key, self.scope, first, self.week)
        weeks = [first.next(n) for n in range(QUARTER_WEEKS + 1)]
        return [(week, self._then(definition(key), week)) for week in weeks]

    def _then(self, meaning: Definition, week: Week) -> Number | None:
        """The figure of another week: a cohort at the age this week's has, everything else as known now."""
        is_cohort = PENDING in meaning.parts(self.scope)
        scope = at_same_age(self.scope, week.period(self.scope.tz), is_cohort=is_cohort)
        return figure(meaning.key, scope).value

    def _text(self, key: str, value: Number | None) -> str:
        return words.number_text(value, definition(key).unit, self.scope.currency)


def at_same_age(scope: Scope, period: Period, *, is_cohort: bool) -> Scope:
    """The question of another period: a cohort's at the age that the scope's period has, any other as known now."""
    if not is_cohort:
        return scope.during(period)
    age = scope.at - scope.period.end
    return replace(scope, period=period, at=min(period.end + age, scope.at))


def standing_target(key: str, week: Week) -> float | None:
    """What a figure should reach in a week; None where nobody said."""
    day = week.starts_on
    standing = Target.objects.filter(figure=key, starts_on__lte=day, ends_on__gte=day).order_by("-starts_on")
    return standing.values_list("weekly_value", flat=True).first()


def _lowest(unit: str, low: float) -> float:
    """Sums and counts cannot fall below nothing, whatever the limits of their variation."""
    return max(low, 0) if unit in ("count", "money", "hours", "days", "minutes") else low


def _change(meaning: Definition, value: Number | None, previous: Number | None) -> dict[str, str]:
    """The difference to last week in words, its direction and whether it is good news."""
    if value is None or previous is None:
        return {"delta": "", "direction": "", "tone": "flat"}
    change = value - previous
    if meaning.unit == "share":
        # The difference of what is shown, so that a reader who subtracts finds the same.
        text = f"{plain.signed(round(value * 100, 1) - round(previous * 100, 1), 1)} pt"
    elif meaning.unit in ("days", "hours", "minutes", "ratio"):
        text = plain.signed(round(value, 1) - round(previous, 1), 1)
    elif previous:
        text = f"{plain.signed(100 * change / abs(previous), 1)}%"
    else:
        text = "from nothing" if change else "0%"
    direction = "up" if change > 0 else "down" if change < 0 else "flat"
    if not change or meaning.better == "neither":
        tone = "flat"
    else:
        tone = "good" if (change > 0) == (meaning.better == "up") else "bad"
    return {"delta": text, "direction": direction, "tone": tone}
