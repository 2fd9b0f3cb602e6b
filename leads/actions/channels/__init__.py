"""Verbs of the channel rules."""
