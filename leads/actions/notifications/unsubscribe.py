"""Leave a kind of e-mail with one click, signed in or not (RFC 8058)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse

from leads.actions.notifications.choose import choose
from leads.models import User
from leads.models.notification import MessageChannel
from leads.pure.notifications import KINDS, Kind
from leads.pure.refused import Refused

_SIGNER = signing.Signer(salt="leads.notifications.unsubscribe")


class LinkRefused(Refused):
    """The link was not made by this portal, or names nobody."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whose e-mails of which kind."""

    user: User
    kind: Kind


def unsubscribe_url(*, user: User, kind: str) -> str:
    """A link that needs no sign-in and never expires: old mails must still be left."""
    token = _SIGNER.sign_object([str(user.public_id), kind])
    return f"{settings.PORTAL_URL}{reverse('leads:unsubscribe', args=[token])}"


def unsubscribe_headers(*, user: User, kind: str) -> dict[str, str]:
    """Headers by which mail programs offer it."""
    url = unsubscribe_url(user=user, kind=kind)
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def read_link(*, token: str) -> Subscription:
    """What a link is about. Raises LinkRefused."""
    try:
        public_id, kind = _SIGNER.unsign_object(token)
        return Subscription(User.objects.get(public_id=public_id), KINDS[kind])
    except (signing.BadSignature, ValidationError, ValueError, KeyError, User.DoesNotExist):
        raise LinkRefused("This link is not valid. Choose your emails under Notification preferences.") from None


def unsubscribe(*, token: str, at: datetime) -> Subscription:
    """Send no more e-mails of the link's kind. Raises LinkRefused."""
    about = read_link(token=token)
    choose(user=about.user, choices={(about.kind.key, MessageChannel.EMAIL): False}, at=at)
    return about
