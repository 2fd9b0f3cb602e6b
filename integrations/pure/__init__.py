"""Arithmetic of the CRM sync: no I/O, no Django."""
