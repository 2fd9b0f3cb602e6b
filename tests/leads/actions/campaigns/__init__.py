"""Verbs of campaigns and their costs."""
