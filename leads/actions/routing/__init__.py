"""Verbs of routing: which rep gets a lead."""
