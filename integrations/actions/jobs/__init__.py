"""Planned work on connections, taken by workers."""
