"""Verbs of the way to the CRM."""
