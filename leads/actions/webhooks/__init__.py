"""Verbs of outgoing webhooks: what is told, to whom, and again."""
