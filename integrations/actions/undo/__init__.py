"""Verbs that take a run back."""
