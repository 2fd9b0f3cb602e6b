"""Runs taken back."""
