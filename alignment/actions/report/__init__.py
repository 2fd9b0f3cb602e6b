"""Verbs of the weekly report."""
