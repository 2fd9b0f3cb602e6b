"""Verbs of capture."""
