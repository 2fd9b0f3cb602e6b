"""Imports, from files to figures."""
