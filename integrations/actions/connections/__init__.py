"""Verbs of connections: set up, open, try, switch."""
