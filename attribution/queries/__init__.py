"""Reads of attribution: the rules in force, the methods on offer, and the inputs of a run."""

from attribution.queries.changes import changed_opportunities, robbed_opportunities
from attribution.queries.rules import RulesInForce, method_by_key, methods, read_rules, rules_in_force
from attribution.queries.world import read_fit_points, read_inputs, read_states, read_world

__all__ = [
    "RulesInForce",
    "changed_opportunities",
    "method_by_key",
    "methods",
    "read_fit_points",
    "read_inputs",
    "read_rules",
    "read_states",
    "read_world",
    "robbed_opportunities",
    "rules_in_force",
]
