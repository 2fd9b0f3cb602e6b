"""Verbs of the lead's way: one file each."""
