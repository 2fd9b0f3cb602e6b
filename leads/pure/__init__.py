"""Arithmetic and rules of leads, without Django and without input or output."""
