"""Reads of attribution: the rules in force, the methods on offer, and the inputs of a run."""

from attribution.queries.journeys import BATCH, read_inputs
from attribution.queries.rules import method_by_key, methods, read_rules

__all__ = ["BATCH", "method_by_key", "methods", "read_inputs", "read_rules"]
