"""Verbs of follow-ups."""
