"""Pipedrive: its connector, found by `VENDOR`."""

from .connector import RULES, VENDOR, connect

__all__ = ["RULES", "VENDOR", "connect"]
