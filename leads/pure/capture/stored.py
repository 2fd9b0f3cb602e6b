"""A captured item as JSON, for the time until capture takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from leads.pure.capture.captured import CapturedConsent, CapturedEvent, CapturedItem, Utm

_PLAIN = tuple(field.name for field in fields(CapturedItem) if field.name not in ("event", "consent", "payload"))
_EVENT = tuple(field.name for field in fields(CapturedEvent) if field.name not in ("occurred_at", "utm"))
_UTM = tuple(field.name for field in fields(Utm))


def stored(item: CapturedItem) -> dict[str, Any]:
    """Everything but the payload, which is kept as it arrived; what is empty is left out."""
    event = item.event
    kept: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(item, name)) not in ("", None, {})}
    kept["event"] = {
        "occurred_at": event.occurred_at.isoformat(),
        **{name: value for name in _EVENT if (value := getattr(event, name))},
    }
    if event.utm:
        kept["event"]["utm"] = {name: value for name in _UTM if (value := getattr(event.utm, name))}
    if item.consent:
        consent = item.consent
        kept["consent"] = {
            "text": consent.text,
            "given_at": consent.given_at.isoformat(),
            "basis": consent.basis,
        }
    return kept


def restored(kept: Mapping[str, Any], payload: Mapping[str, object]) -> CapturedItem:
    """The item that `stored` was given."""
    values = dict(kept)
    event, consent = dict(values.pop("event")), values.pop("consent", None)
    return CapturedItem(
        **values,
        event=CapturedEvent(
            **{
                **event,
                "occurred_at": datetime.fromisoformat(event["occurred_at"]),
                "utm": Utm(**event.get("utm", {})),
            }
        ),
        consent=CapturedConsent(**{**consent, "given_at": datetime.fromisoformat(consent["given_at"])})
        if consent
        else None,
        payload=payload,
    )
