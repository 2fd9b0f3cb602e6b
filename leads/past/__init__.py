"""Versions of facts: what was known when, kept by the database itself, and asked as of any moment."""
