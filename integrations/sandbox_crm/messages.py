"""A request and an answer, free of sockets, so that the API and the pages are plain functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from .rules import Refused


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server read it; `path` comes without its query."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def json(self) -> dict[str, Any]:
        """The body as an object; raises `Refused` with status 400."""
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refused("invalid_json", "The body is not JSON.", status=400) from None
        if not isinstance(value, dict):
            raise Refused("invalid_json", "The body is not a JSON object.", status=400)
        return value

    def form(self) -> dict[str, str]:
        """The body as a form; the last value of each field."""
        try:
            fields = parse_qs(self.body.decode(), keep_blank_values=True, max_num_fields=50)
        except ValueError:
            raise Refused("invalid_form", "The form cannot be read.", status=400) from None
        return {name: values[-1].strip() for name, values in fields.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, body, content type and further headers."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    """How the socket betrays the answer: reset, half, timeout or drip; empty sends it."""
    seconds: float = 30.0
    """How long a timeout or drip lasts."""


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """JSON with plain ASCII escapes, so that no text can spoil the encoding."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), headers=named)


def error_answer(status: int, code: str, message: str, field: str = "", **headers: str) -> Answer:
    """The one error shape: `{"error": {"code", "message", "field"}}`."""
    return json_answer({"error": {"code": code, "message": message, "field": field}}, status, **headers)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
