"""Deliver waiting notifications: each is claimed before it is sent, and retried with growing delays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db.models import F
from django.template.loader import render_to_string

from leads.actions.invitations.invite import KIND as INVITATION
from leads.actions.invitations.invite import link_to
from leads.actions.notifications.unsubscribe import unsubscribe_headers, unsubscribe_url
from leads.models import Company, Notification
from leads.models.notification import MessageChannel
from leads.pure.notifications import pause_after

log = structlog.get_logger(__name__)

AT_ONCE = 200
# A claim without an end was interrupted. Longer than any time-out of ours.
LEASE = timedelta(minutes=10)
State = Notification.State


class NotDelivered(Exception):
    """An attempt that failed. ``is_final``: a retry would fail, too; ``after``: the delay the receiver asks for."""

    def __init__(self, why: str, *, is_final: bool = False, after: timedelta | None = None) -> None:
        super().__init__(why)
        self.is_final, self.after = is_final, after


def due(*, channels: Sequence[str], at: datetime) -> Iterator[Notification]:
    """Waiting messages, oldest first; each is claimed when yielded, and due again if the worker dies."""
    waiting = Notification.objects.filter(state=State.WAITING, not_before__lte=at, channel__in=channels)
    for message in waiting.select_related("recipient", "destination").order_by("not_before", "pk")[:AT_ONCE]:
        mine = Notification.objects.filter(pk=message.pk, state=State.WAITING, not_before=message.not_before)
        if mine.update(not_before=at + LEASE, attempts=F("attempts") + 1) == 1:
            message.attempts += 1
            yield message


def deliver(*, channels: Sequence[str], at: datetime, send: Callable[[Notification], None]) -> int:
    """Send what is due by these channels; returns how many went out. ``send`` raises NotDelivered."""
    sent = 0
    for message in due(channels=channels, at=at):
        row = Notification.objects.filter(pk=message.pk, state=State.WAITING)
        try:
            send(message)
        except NotDelivered as error:
            pause = None if error.is_final else pause_after(message.attempts, error.after)
            log.warning("notification_not_sent", channel=message.channel, kind=message.kind, error=str(error))
            if pause is None:
                row.update(state=State.FAILED, last_error=str(error)[:200])
            else:
                row.update(not_before=at + pause, last_error=str(error)[:200])
            continue
        row.update(state=State.SENT, sent_at=at, last_error="")
        sent += 1
    return sent


def send_emails(*, at: datetime) -> int:
    """Send the messages that go by e-mail; returns how many went out."""
    company = Company.current().name

    def send(message: Notification) -> None:
        person = message.recipient
        is_invitation = message.kind == INVITATION
        if person is None or (not person.is_active and not is_invitation):
            raise NotDelivered("The person is not active any more.", is_final=True)
        try:
            validate_email(person.email)  # "a@x, evil@y" passes as a header
        except ValidationError:
            raise NotDelivered("This is not an email address.", is_final=True) from None
        context = {
            "message": message,
            "company_name": company,
            "url": link_to(message.link) if is_invitation else f"{settings.PORTAL_URL}{message.link}",
            "is_invitation": is_invitation,
            "settings_url": f"{settings.PORTAL_URL}/notifications/preferences",
            "unsubscribe_url": unsubscribe_url(user=person, kind=message.kind),
        }
        mail = EmailMultiAlternatives(
            " ".join(message.title.split())[:160],
            render_to_string("emails/notification.txt", context),
            settings.DEFAULT_FROM_EMAIL,
            [person.email],
            headers={} if is_invitation else unsubscribe_headers(user=person, kind=message.kind),
        )
        mail.attach_alternative(render_to_string("emails/notification.html", context), "text/html")
        try:
            mail.send()
        except OSError as error:  # SMTP errors are OSErrors
            raise NotDelivered(type(error).__name__) from error

    return deliver(channels=[MessageChannel.EMAIL], at=at, send=send)
