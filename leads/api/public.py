"""What doors without a key share: rates by caller, origins, sizes. A caller learns nothing of anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import BaseThrottle

from leads.queries.web_forms import is_among

MINUTE = 60
_VISITOR = re.compile(r"[A-Za-z0-9-]{8,64}")


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a minute: by one caller's address, and by all of them together."""

    name: str
    each: int
    all: int


# A form is sent as often from its own page and from other sites together.
SENDING = Rate("form", each=30, all=600)


def is_too_often(request: HttpRequest, key: object, rate: Rate, at: datetime) -> bool:
    """Whether this caller, or all callers of the key together, were here too often in this minute."""
    caller = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # reads nothing but META
    minute = int(at.timestamp() // MINUTE)
    counted = ((f"{key}:{caller}", rate.each), (str(key), rate.all))
    counts = [_count(f"public:{rate.name}:{who}:{minute}") > most for who, most in counted]
    return any(counts)  # both are counted, also where the first is enough


def _count(name: str) -> int:
    cache = caches["default"]
    cache.add(name, 0, MINUTE * 2)
    try:
        return int(cache.incr(name))
    except ValueError:  # it ended meanwhile
        return 1


def allowed_origin(request: HttpRequest, origins: Collection[str]) -> str:
    """The caller's origin, if it may send: one of the list, or our own; else empty."""
    origin = request.headers.get("Origin", "")
    return origin if origin and (is_among(origin, origins) or is_among(origin, [settings.PORTAL_URL])) else ""


def with_origin(response: HttpResponse, origin: str) -> HttpResponse:
    """Let the page of an origin read the answer."""
    response["Access-Control-Allow-Origin"] = origin
    response["Vary"] = "Origin"
    response["Cache-Control"] = "no-store"
    return response


def preflight(origin: str) -> HttpResponse:
    """The answer to a browser that asks whether its page may send JSON."""
    response = with_origin(HttpResponse(status=204), origin)
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Allow-Headers"] = "content-type"
    response["Access-Control-Max-Age"] = "600"
    return response


def read_json(request: HttpRequest, most: int) -> dict[str, Any] | None:
    """The body as an object; None for what is none, or larger than ``most`` bytes."""
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > most:
        return None
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_web_address(text: object) -> bool:
    """Whether a text is the address of a web page."""
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def visitor_of(text: object) -> str:
    """An id such as the tracking script makes; empty for anything else."""
    return text if isinstance(text, str) and _VISITOR.fullmatch(text) else ""
