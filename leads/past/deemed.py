"""The moment that a door deems now."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from leads.past.span import moment


def deemed_now() -> datetime:
    """What doors pass on as ``at``: the moment of the past that is read, else the clock's."""
    return moment() or timezone.now()
