"""Runs the project on one machine: set-up, supervisor, vendored files, checks. Standard library only."""
