"""What a question about figures may name where only an app above knows it: methods, and scopes of journeys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Choices = Sequence[tuple[str, str]]
"""(key, name) of the values that a field of a scope may take."""

_offers: dict[str, Callable[[], Choices]] = {}


def offer(field: str, choices: Callable[[], Choices]) -> None:
    """Say what "method" or "scope" of a question may be: what an app above knows, and a form down here checks."""
    _offers[field] = choices


def offered(field: str) -> Choices:
    """What was offered for the field; nothing when no app did, and then every key passes."""
    return _offers[field]() if field in _offers else ()


def usual_method(preferred: str) -> str:
    """A company's own method, or linear where it is no longer offered: under its key there would be no credits."""
    if preferred == "linear":
        return preferred
    known = [key for key, _ in offered("method")]
    return preferred if not known or preferred in known else "linear"
