"""What admins manage: targets and the words of criteria."""

from alignment.admin import points, report

__all__ = ["points", "report"]
