"""Captured items for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from leads.pure.capture.captured import CapturedEvent, CapturedItem, Utm

AT = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)  # a Wednesday morning


def event(kind: str = "form_submission", **fields: Any) -> CapturedEvent:
    """A form sent at ``AT`` from a paid search."""
    utm = fields.pop("utm", Utm("google", "cpc", "Q4-Search"))
    return replace(CapturedEvent(kind, AT, "Pricing request", utm), **fields)


def item(email: str = "ada@engines.example", **fields: Any) -> CapturedItem:
    """A person who sent a form."""
    return replace(CapturedItem(event=event(), email=email), **fields)
