"""An endpoint of webhooks that the sandbox answers, with what happened last; and leads that may be one person."""

from __future__ import annotations

import hashlib
from datetime import datetime

from alignment.models import WeeklyReport
from leads.actions.identity.find_duplicates import find_duplicates
from leads.actions.webhooks.collect_events import lead_news
from leads.actions.webhooks.record_events import News, record_event, record_events
from leads.actions.webhooks.save_endpoint import add_endpoint
from leads.models import LeadEvent, Role, User, WebhookEndpoint
from leads.pure.webhooks import EVENTS

NAME = "Data warehouse"
_NEWEST = 40


def write_webhooks(sandbox_url: str, seed: int, at: datetime) -> None:
    """The endpoint, and the newest news waiting for it: a worker delivers them within seconds."""
    if WebhookEndpoint.objects.filter(name=NAME).exists():
        return
    admin = User.objects.filter(role=Role.ADMIN).order_by("pk")[0]
    random = hashlib.sha256(f"webhooks {seed}".encode()).digest()
    add_endpoint(name=NAME, url=f"{sandbox_url}/hooks", events=[*EVENTS], random=random, by=admin, at=at)
    newest = LeadEvent.objects.order_by("-pk").values_list("pk", flat=True)[:_NEWEST]
    for news in lead_news(sorted(newest), EVENTS.keys()):
        record_events(news=news, at=at)
    report = WeeklyReport.objects.order_by("-starts_on").first()
    if report is not None:
        key, told = f"report.published:{report.week}", {"report": {"week": report.week, "digest": report.digest}}
        news_of_report = News(kind="report.published", key=key, occurred_at=report.published_at, data=told)
        record_event(news=news_of_report, at=at)


def write_duplicates(at: datetime) -> None:
    """What the first look at all leads finds."""
    find_duplicates(at=at)
