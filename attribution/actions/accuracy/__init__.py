"""Verbs of the accuracies."""
