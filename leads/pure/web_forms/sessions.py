"""Sessions: the page views of one visitor that belong together. One session is one touchpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from leads.pure.channels.landing import click_of, parameters, tags_of

IDLE = timedelta(minutes=30)
"""So long a silence ends a session."""
_TOLD_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class View:
    """A page that was opened. ``is_told``: only the browser remembers it, by its own clock."""

    id: int
    at: datetime
    page: str
    referrer: str = ""
    user_agent: str = ""
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Page views of one session, in order; it began with the first of them."""

    views: tuple[View, ...]

    @property
    def started_at(self) -> datetime:
        return self.views[0].at

    @property
    def ended_at(self) -> datetime:
        return self.views[-1].at

    @property
    def landing_page(self) -> str:
        return self.views[0].page

    @property
    def referrer(self) -> str:
        """Who sent the visitor; a page of the same site is nobody."""
        first = self.views[0]
        return "" if _host(first.referrer) == _host(first.page) else first.referrer

    @property
    def name(self) -> str:
        """The paths of its pages, each once, as far as 200 signs go."""
        paths = dict.fromkeys(urlsplit(view.page).path or "/" for view in self.views)
        return " ".join(paths)[:200]


def sessions(views: Sequence[View]) -> list[Session]:
    """One visitor's page views as sessions, in order.

    A session ends after 30 minutes without a page, or when a page names another campaign than the session's: pages
    without tags belong to the session they are in. A view that the browser only told of counts where nothing was
    recorded by then.
    """
    recorded = sorted((view for view in views if not view.is_told), key=lambda view: (view.at, view.id))
    told = sorted((view for view in views if view.is_told), key=lambda view: (view.at, view.id))
    first = recorded[0].at if recorded else None
    fresh = [view for view in told[:1] if first is None or view.at + _TOLD_WITHIN < first]
    found: list[list[View]] = []
    campaign: tuple[str, ...] = ()
    for view in [*fresh, *recorded]:
        named = campaign_of(view.page)
        if not found or view.at - found[-1][-1].at >= IDLE or (named and named != campaign):
            found.append([])
            campaign = named
        found[-1].append(view)
    return [Session(tuple(each)) for each in found]


def campaign_of(page: str) -> tuple[str, ...]:
    """What a page's address says of a campaign: its tags, and whose click id it has; empty for nothing."""
    given = parameters(page)
    tags = tuple(tags_of(given).values())
    click = click_of(given)
    found = (*tags, click.source if click else "")
    return found if any(found) else ()


def is_over(session: Session, at: datetime) -> bool:
    """Whether no page can belong to it any more."""
    return session.ended_at + IDLE <= at


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
