"""Reads of attribution: the rules in force, the methods on offer, the newest run, and the inputs of the next."""

from attribution.queries.changes import EVERY_TOUCH, changed_opportunities, robbed_opportunities, short_opportunities
from attribution.queries.rules import RulesInForce, method_by_key, methods, read_rules, rules_in_force
from attribution.queries.runs import last_run
from attribution.queries.world import read_fit_points, read_inputs, read_states, read_world

__all__ = [
    "EVERY_TOUCH",
    "RulesInForce",
    "changed_opportunities",
    "last_run",
    "method_by_key",
    "methods",
    "read_fit_points",
    "read_inputs",
    "read_rules",
    "read_states",
    "read_world",
    "robbed_opportunities",
    "rules_in_force",
    "short_opportunities",
]
