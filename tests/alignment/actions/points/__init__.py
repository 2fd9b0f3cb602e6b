"""Integration points."""
