"""Conditions on leads: one grammar for scoring, routing, channel rules and workflows."""
