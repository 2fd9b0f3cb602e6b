"""What changed between two versions of the rules, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leads.pure.conditions.properties import Catalog
from leads.pure.scoring.rules import SCORED, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule as it stands in a version."""

    rule: Rule
    is_enabled: bool = True


def differences(
    before: RuleSet, after: RuleSet, old: Sequence[Listed], new: Sequence[Listed], catalog: Catalog = SCORED
) -> list[str]:
    """Sentences without a full stop: limits first, then rules removed, added, changed, and their order.

    Rules are the same when group and name are; a renamed rule is one removed and one added.
    """
    lines = [
        f"{label}: {_said(getattr(before, name))} → {_said(getattr(after, name))}"
        for name, label in (
            ("fit_threshold", "Fit threshold"),
            ("behaviour_threshold", "Behavior threshold"),
            ("fit_cap", "Fit counts at most"),
            ("behaviour_cap", "Behavior counts at most"),
            ("half_life_days", "Half-life in days"),
        )
        if getattr(before, name) != getattr(after, name)
    ]
    was, now = _keyed(old), _keyed(new)
    lines += [
        f"Removed: {each.rule.name} ({each.rule.sentence(catalog)})" for key, each in was.items() if key not in now
    ]
    lines += [f"Added: {each.rule.name} ({each.rule.sentence(catalog)})" for key, each in now.items() if key not in was]
    for key in [key for key in was if key in now]:
        a, b = was[key], now[key]
        if a.rule.sentence(catalog) != b.rule.sentence(catalog):
            lines.append(f"Changed: {b.rule.name}: {a.rule.sentence(catalog)} → {b.rule.sentence(catalog)}")
        if a.is_enabled != b.is_enabled:
            lines.append(f"{'Enabled' if b.is_enabled else 'Disabled'}: {b.rule.name}")
    kept = [key for key in was if key in now]
    if kept != [key for key in now if key in was]:
        lines.append("The order of the rules changed: caps cut the last ones first")
    return lines


def _keyed(rules: Sequence[Listed]) -> dict[tuple[str, str, int], Listed]:
    seen: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str, int], Listed] = {}
    for each in rules:
        key = (each.rule.side, each.rule.name)
        seen[key] = seen.get(key, 0) + 1
        found[*key, seen[key]] = each
    return found


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
