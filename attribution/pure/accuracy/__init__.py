"""Accuracy: markets of known truth, and how methods do in them."""
