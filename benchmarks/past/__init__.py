"""Versions of facts, measured: what they cost writers and readers."""
