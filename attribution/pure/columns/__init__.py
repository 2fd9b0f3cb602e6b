"""Columns of numbers: their order, their codec, work on them in parallel."""
