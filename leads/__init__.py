"""Capture, score, assign, follow up: the system of record."""
