"""Promises between marketing and sales: figures, weekly report, integration points."""
