"""Runs that write nothing: dry runs and comparisons."""
