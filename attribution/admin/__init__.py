"""What admins manage: the rules of journeys and of methods, experiments, answers."""

from attribution.admin import accuracy, learning, methods, rules, runs, sourced

__all__ = ["accuracy", "learning", "methods", "rules", "runs", "sourced"]
