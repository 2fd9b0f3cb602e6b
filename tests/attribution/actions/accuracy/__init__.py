"""Accuracies."""
