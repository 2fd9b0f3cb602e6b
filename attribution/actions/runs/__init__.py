"""Verbs of runs, which write the credits."""
