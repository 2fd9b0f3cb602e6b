"""Post notifications that wait to their Slack and Teams channels."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from integrations.connectors.chat import ChatMessage, PostFailed, post_message
from leads.actions.notifications.deliver import NotDelivered, deliver
from leads.models import ChatDestination, Notification
from leads.pure.notifications import CHAT


def post_notifications(*, at: datetime) -> int:
    """Post what is due; returns how many were taken."""
    return deliver(channels=CHAT, at=at, send=lambda message: _post(message, at))


def _post(message: Notification, at: datetime) -> None:
    destination = message.destination
    if destination is None or not destination.is_active:
        raise NotDelivered("The channel is switched off.", is_final=True)
    told = ChatMessage(message.label, message.title, message.text, f"{settings.PORTAL_URL}{message.link}")
    try:
        post_to(destination=destination, message=told, at=at)
    except PostFailed as error:
        raise NotDelivered(str(error), is_final=error.is_final, after=error.after) from None


def post_to(*, destination: ChatDestination, message: ChatMessage, at: datetime) -> None:
    """Post one message and note on the channel how it went. Raises PostFailed."""
    row = ChatDestination.objects.filter(pk=destination.pk)
    try:
        post_message(
            kind=destination.kind,
            url=destination.url,
            message=message,
            allow_loopback=settings.SANDBOX_CRM_ALLOWED,
        )
    except PostFailed as error:
        row.update(last_error=str(error)[:200])
        raise
    row.update(posted_at=at, last_error="")
