"""Verbs of attribution."""
