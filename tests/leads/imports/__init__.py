"""Imports, from bytes to figures."""
