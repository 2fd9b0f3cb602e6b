"""Verbs of capture: take what arrives, find its person, write the touches."""
