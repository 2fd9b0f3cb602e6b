"""Verbs of the way from the CRM."""
