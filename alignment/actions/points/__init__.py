"""Verbs of integration points, their criteria and sign-offs."""
