"""HubSpot's webhooks: signed by the app's client secret (version 3), a list of events, never data."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ..base import Hint, Kind, Misuse, RawWebhook
from ..http import read_json
from .records import moment

TYPE_IDS: Mapping[str, Kind] = {"0-1": "person", "0-2": "account", "0-3": "deal"}
TYPE_NAMES: Mapping[str, Kind] = {"contact": "person", "company": "account", "deal": "deal"}
GONE_EVENTS = frozenset({"deletion", "privacydeletion", "merge"})
DECODED = {"3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$", "27": "'", "28": "(", "29": ")",
           "2A": "*", "2C": ",", "3B": ";"}  # fmt: skip
"""The only escapes that HubSpot undoes in an address before it signs it."""
SIGNED_WITHIN = timedelta(minutes=5)


def read_webhook(raw: RawWebhook, secret: str) -> list[Hint]:
    """Hints out of a body whose signature holds and is at most five minutes off, either way; else `Misuse`."""
    _verify(raw, secret)
    try:
        events = read_json(raw.body)
        return [hint for event in events for hint in _hints(event)]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise Misuse("The webhook holds no list of events.", code="unreadable") from None


def _verify(raw: RawWebhook, secret: str) -> None:
    headers = {name.lower(): value for name, value in raw.headers.items()}
    given, stamp = headers.get("x-hubspot-signature-v3", ""), headers.get("x-hubspot-request-timestamp", "")
    if not (secret and given and re.fullmatch("[0-9]{1,15}", stamp)):
        raise Misuse("The webhook is not signed, or there is no client secret to check it.", code="unsigned")
    address = re.sub("%([0-9A-Fa-f]{2})", lambda found: DECODED.get(found[1].upper(), found[0]), raw.url)
    signed = raw.method.encode() + address.encode() + raw.body + stamp.encode()
    right = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
    if not hmac.compare_digest(right, given.encode("utf-8", "replace")):
        raise Misuse("The webhook's signature is wrong.", code="bad_signature")
    if abs(raw.received_at - moment(stamp)) > SIGNED_WITHIN:
        raise Misuse("The webhook was signed more than five minutes from now.", code="stale_signature")


def _hints(event: Mapping[str, Any]) -> Iterator[Hint]:
    """What an event speaks of. HubSpot's `eventId` alone is not unique; with its subscription and moment it is."""
    subject, _, verb = str(event["subscriptionType"]).partition(".")
    verb = verb.lower()
    event_id = "-".join(str(event.get(name, "")) for name in ("portalId", "subscriptionId", "eventId", "occurredAt"))
    if verb == "associationchange":
        for side in ("from", "to"):
            kind = TYPE_IDS.get(str(event.get(f"{side}ObjectTypeId", "")))
            if kind == "deal" or (kind is None and side == "from" and subject == "deal"):
                yield Hint("deal", str(event[f"{side}ObjectId"]), event_id)
        return
    kind = TYPE_IDS.get(str(event.get("objectTypeId", ""))) or TYPE_NAMES.get(subject)
    if kind is None:
        return
    if verb == "merge":
        alive = str(event.get("newObjectId") or event.get("primaryObjectId") or event["objectId"])
        lost = [*(event.get("mergedObjectIds") or ()), event.get("primaryObjectId")]
        yield Hint(kind, alive, event_id)
        yield from (Hint(kind, str(each), event_id, is_gone=True) for each in lost if each and str(each) != alive)
        return
    yield Hint(kind, str(event["objectId"]), event_id, is_gone=verb in GONE_EVENTS)
