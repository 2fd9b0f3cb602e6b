"""Verbs of the handover from marketing to sales."""
