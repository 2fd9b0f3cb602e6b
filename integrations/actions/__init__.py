"""Verbs of the CRM sync."""
