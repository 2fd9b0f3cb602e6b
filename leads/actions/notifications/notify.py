"""Notify people by the channels they chose, once per message."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from leads.models import Notification, User
from leads.models.notification import MessageChannel
from leads.queries.notifications import destinations_for, wanting

State = Notification.State


def notify(
    *,
    kind: str,
    key: str,
    title: str,
    link: str,
    at: datetime,
    to: Collection[User],
    text: str = "",
    by_email: bool = True,
    in_chat: bool = True,
) -> int:
    """Write the rows of one message; a recipient who has the key already is left out. Returns how many rows are new.

    ``link`` is a path in the portal. Without ``by_email`` no mail follows, for kinds whose mail is written elsewhere.
    """
    told = {"kind": kind, "key": key, "title": title[:200], "text": text[:500], "link": link, "created_at": at}
    inbox = wanting(to, kind=kind, channel=MessageChannel.PORTAL)
    rows = [
        Notification(**told, channel=MessageChannel.PORTAL, recipient=user, state=State.SENT, sent_at=at)
        for user in inbox
    ]
    mailed = wanting(to, kind=kind, channel=MessageChannel.EMAIL) if by_email else []
    rows += [Notification(**told, channel=MessageChannel.EMAIL, recipient=user, not_before=at) for user in mailed]
    posted = destinations_for(kind) if in_chat else []
    rows += [Notification(**told, channel=each.kind, destination=each, not_before=at) for each in posted]
    before = Notification.objects.filter(key=key).count()
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=200)
    return Notification.objects.filter(key=key).count() - before
