"""Verbs of the handover."""
