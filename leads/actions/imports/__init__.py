"""Verbs of imports from files."""
