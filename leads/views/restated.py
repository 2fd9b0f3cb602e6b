"""What restated a figure, for the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse

from leads.figures.base import Definition, Scope

LISTED = 20


@dataclass(frozen=True, slots=True)
class Restated:
    """A cause with the address of the page that tells more; empty where there is none or it is not for this person."""

    at: datetime
    text: str
    url: str


def restated(meaning: Definition, scope: Scope) -> list[Restated]:
    """What replaced something known about the figure's period, newest first."""
    found = meaning.causes(scope, None)[:LISTED]
    return [Restated(cause.at, cause.text, _url(cause.link, cause.link_by)) for cause in found]


def _url(link: str, key: str) -> str:
    try:
        return reverse(link, args=[key]) if link else ""
    except NoReverseMatch:
        return ""
