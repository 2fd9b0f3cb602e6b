"""Imported tables: their columns, rows and fields."""
