"""Let people leave the emails of workflows with one click (RFC 8058), without signing in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from leads.actions.capture.take_mail_events import take_mail_events
from leads.models import WorkflowMail
from leads.pure.capture.bots import OPT_OUT
from leads.pure.capture.mail_events import MailEvent
from leads.pure.refused import Refused

_SIGNER = Signer(salt="leads.workflows.opt_out")


class OptOutRefused(Refused):
    """The link was not made by this portal."""


def opt_out_url(*, mail: WorkflowMail) -> str:
    """A link that needs no sign-in and never expires: old emails must still be left."""
    return f"{settings.PORTAL_URL}{reverse('leads:mail-opt-out', args=[_SIGNER.sign(str(mail.public_id))])}"


def mail_of_link(*, token: str) -> WorkflowMail:
    """The email a link stands in. Raises OptOutRefused."""
    try:
        return WorkflowMail.objects.get(public_id=UUID(_SIGNER.unsign(token)))
    except (BadSignature, ValidationError, ValueError, WorkflowMail.DoesNotExist):
        raise OptOutRefused("This link is not valid. Please answer the email instead.") from None


def opt_out(*, token: str, at: datetime) -> WorkflowMail:
    """Send this address no more emails; a repeat changes nothing. Raises OptOutRefused."""
    mail = mail_of_link(token=token)
    event = MailEvent(
        kind="email_unsubscribe",
        email=mail.email,
        occurred_at=at,
        event_id=str(mail.public_id),
        token=str(mail.public_id),
        exclusion=OPT_OUT,
    )
    take_mail_events(events=[event], service="portal", at=at)
    return mail
