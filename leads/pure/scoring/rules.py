"""The rules of a score: conditions, points, repeats and half-lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leads.pure.conditions.grammar import Condition, Group, number
from leads.pure.conditions.properties import LEADS, Catalog, Kind, Operator
from leads.pure.conditions.sentences import sentence
from leads.pure.refused import Refused

Side = Literal["fit", "behaviour"]
# Facts that follow from the score or change without a new score being asked for.
SCORED = LEADS.without("stage", "score", "owner", "territory", "account_owner")
NEVER_DECAYS = 0


class InvalidRule(Refused):
    """The rule can never be scored; the message tells an admin why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a rule set.

    A fit rule gives its points when its conditions hold. A behavior rule has exactly one condition on activity, which
    it counts: "happened" gives the points for each time, the newest ``max_times``; the other operators give them once.
    Further conditions must hold, too. ``half_life_days`` replaces the rule set's; 0: never decays. Raises InvalidRule.
    """

    id: int
    name: str
    side: Side
    when: Group
    points: int
    max_times: int = 1
    half_life_days: float | None = None

    def __post_init__(self) -> None:
        if self.side not in ("fit", "behaviour"):
            raise InvalidRule(f"Rule {self.name!r} is neither about fit nor about behavior.")
        if self.points == 0:
            raise InvalidRule(f"Rule {self.name!r} gives no points.")
        if self.max_times < 1:
            raise InvalidRule(f"Rule {self.name!r} must count at least once.")
        if self.half_life_days is not None and self.half_life_days < 0:
            raise InvalidRule(f"Rule {self.name!r}: a half-life cannot be negative.")
        if not self.when.items:
            raise InvalidRule(f"Rule {self.name!r} needs a condition.")
        activity = [each for each in self.when.conditions() if is_activity(each)]
        if self.side == "fit" and activity:
            raise InvalidRule(f"Rule {self.name!r}: activity belongs to behavior rules.")
        if self.side == "behaviour" and (len(activity) != 1 or self.counted is None):
            raise InvalidRule(
                f"Rule {self.name!r}: a behavior rule counts one kind of activity; other conditions must all hold, too."
            )

    @property
    def counted(self) -> Condition | None:
        """The condition whose events a behavior rule counts."""
        if self.side == "fit":
            return None
        found = [each for each in self.when.items if isinstance(each, Condition) and is_activity(each)]
        is_joined = self.when.match == "all" or len(self.when.items) == 1
        return found[0] if len(found) == 1 and is_joined else None

    @property
    def others(self) -> Group:
        """What must hold besides the counted activity."""
        return Group(tuple(each for each in self.when.items if each is not self.counted))

    @property
    def is_repeated(self) -> bool:
        """Whether each time counts by itself."""
        return self.counted is not None and self.counted.operator == Operator.HAPPENED and number(self.counted.low) == 1

    def sentence(self, catalog: Catalog = SCORED) -> str:
        """The rule in words: "+20 when job title contains CTO"."""
        times = f", up to {self.max_times} times" if self.is_repeated and self.max_times > 1 else ""
        own = self.half_life_days
        decay = "" if own is None else f", half-life {own:g} days" if own else ", without decay"
        return f"{'+' if self.points > 0 else '−'}{abs(self.points)} when {sentence(self.when, catalog)}{times}{decay}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules; caps and thresholds in points, the half-life in days. None means no cap, no decay."""

    version: int
    rules: Sequence[Rule]
    fit_threshold: int
    behaviour_threshold: int
    fit_cap: int | None = None
    behaviour_cap: int | None = None
    half_life_days: float | None = None

    def __post_init__(self) -> None:
        if any(cap is not None and cap < 0 for cap in (self.fit_cap, self.behaviour_cap)):
            raise InvalidRule("A cap must not be negative.")
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise InvalidRule("The half-life must be more than zero days.")

    @property
    def properties(self) -> frozenset[str]:
        """What the rules look at."""
        return frozenset(key for rule in self.rules for key in rule.when.properties)

    def half_life_of(self, rule: Rule) -> float | None:
        """The half-life that a rule's points have, in days; None: they do not decay."""
        own = rule.half_life_days
        return self.half_life_days if own is None else own or None


def is_activity(condition: Condition) -> bool:
    """Whether a condition is about what a lead did."""
    looked_at = LEADS.get(condition.property)
    return looked_at is not None and looked_at.kind == Kind.EVENT
