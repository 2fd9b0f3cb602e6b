"""Verbs of deals."""
