"""Arithmetic of figures and reports, without Django and without input or output."""
