"""Talking to CRMs: connections, pending pushes, pulls."""
