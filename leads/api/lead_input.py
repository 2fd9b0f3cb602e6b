"""What the capture endpoint takes, member by member, and its way into a captured item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import local
from typing import Any

from rest_framework import serializers

from leads.api.fields import (
    Country,
    Email,
    Moment,
    Phone,
    StrictChar,
    StrictChoice,
    StrictInteger,
    StrictSerializer,
    WebAddress,
    Words,
)
from leads.api.problems import flatten
from leads.models import Consent
from leads.pure.capture.captured import CapturedConsent, CapturedEvent, CapturedItem, Utm

EVENT_TYPES = (
    "form_submission",
    "email_signup",
    "webinar_registration",
    "webinar_attendance",
    "email_open",
    "email_click",
    "email_reply",
    "email_unsubscribe",
    "email_complaint",
    "email_bounce",
)


class UtmInput(StrictSerializer):
    """Campaign tags."""

    source = Words(max_length=120, required=False)  # type: ignore[assignment]
    medium = Words(max_length=120, required=False)
    campaign = Words(max_length=120, required=False)
    term = Words(max_length=120, required=False)
    content = Words(max_length=120, required=False)


class EventInput(StrictSerializer):
    """What the person did."""

    type = StrictChoice(choices=EVENT_TYPES)
    occurred_at = Moment(required=False, help_text="Without it the moment of arrival counts.")
    name = Words(max_length=200, required=False)
    utm = UtmInput(required=False)
    landing_page = WebAddress(max_length=4000, required=False)
    referrer = WebAddress(max_length=4000, required=False, is_referrer=True)
    visitor_id = StrictChar(max_length=64, required=False)
    user_agent = StrictChar(
        max_length=1000, required=False, help_text="Of the browser or mail app, so that machines can be told apart."
    )


class ConsentInput(StrictSerializer):
    """What the person agreed to."""

    text = StrictChar(max_length=10_000, allow_blank=False)
    given_at = Moment()
    basis = StrictChoice(choices=Consent.Basis.values)


class LeadInput(StrictSerializer):
    """A person and one event; ``external_id`` is needed without ``email``."""

    email = Email(required=False)
    external_id = Words(max_length=120, required=False)
    first_name = Words(max_length=120, required=False)
    last_name = Words(max_length=120, required=False)
    company = Words(max_length=200, required=False)
    job_title = Words(max_length=160, required=False)
    phone = Phone(max_length=40, required=False)
    country = Country(required=False, max_length=60, help_text="A code such as DE, or a name such as Germany.")
    region = Words(max_length=80, required=False)
    postal_code = Words(max_length=20, required=False)
    industry = Words(max_length=80, required=False)
    company_size = StrictInteger(min_value=0, max_value=10_000_000, required=False)
    event = EventInput()
    consent = ConsentInput(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("email") and not attrs.get("external_id"):
            raise serializers.ValidationError({"email": ["Give an email address or an external_id."]}, code="required")
        return attrs


class LeadBatchInput(StrictSerializer):
    """At most 1,000 items; each is judged by itself. (For the schema: items are validated one by one.)"""

    leads = LeadInput(many=True)


class _Ready(local):
    """One serializer for each thread: building its fields anew takes longer than reading an item with them."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self.serializer = LeadInput(context=self.context)


_ready = _Ready()


def read_items(
    payloads: Sequence[Any], *, at: datetime, pointers: Sequence[str]
) -> list[CapturedItem | list[dict[str, str]]]:
    """Each payload as an item to capture, or the list of its faults with pointers into the body."""
    serializer = _ready.serializer
    _ready.context["at"] = at
    results: list[CapturedItem | list[dict[str, str]]] = []
    for payload, pointer in zip(payloads, pointers, strict=True):
        try:
            results.append(_item(serializer.run_validation(payload), payload, at))
        except serializers.ValidationError as error:
            results.append(list(flatten(error.detail, pointer)))
    return results


def _item(values: Mapping[str, Any], payload: Mapping[str, Any], at: datetime) -> CapturedItem:
    details = {name: value for name, value in values.items() if name not in ("event", "consent")}
    event = dict(values["event"])
    event.setdefault("occurred_at", at)
    kind = event.pop("type")
    utm = Utm(**event.pop("utm", {}))
    consent = values.get("consent")
    return CapturedItem(
        **details,
        event=CapturedEvent(kind=kind, utm=utm, **event),
        consent=CapturedConsent(**consent) if consent else None,
        payload=payload,
    )
