"""``POST /webhooks/email/<service>/replies/<secret>``: an email service hands over what people answer to our mails.

As in `leads.api.mail_events` the secret in the address is ours, and django-anymail reads what the service sends. The
text is not kept: that somebody answered, and when, is what counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import structlog
from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from leads.actions.capture.take_mail_events import take_mail_events
from leads.api.public import Rate, is_too_often
from leads.past.acting import Door, act
from leads.pure.capture.bots import AUTO_REPLY
from leads.pure.capture.mail_events import MailEvent, is_auto_reply
from leads.pure.spelling.identity import InvalidEmail, normalize_email

log = structlog.get_logger(__name__)
MAX_BYTES = 25 * 1024 * 1024
ANSWERING = Rate("mail-replies", each=600, all=6_000)
SERVICES: Mapping[str, tuple[str, str]] = {
    "mailgun": ("MailgunInboundWebhookView", "webhook_signing_key"),
    "mandrill": ("MandrillCombinedWebhookView", "webhook_key"),
    "postmark": ("PostmarkInboundWebhookView", ""),
    "sendgrid": ("SendGridInboundWebhookView", ""),
    "sparkpost": ("SparkPostInboundWebhookView", ""),
}


@csrf_exempt  # a service posts without a cookie; the secret in the address is the proof
@require_POST
def mail_replies(request: HttpRequest, service: str, secret: str) -> HttpResponse:
    """200 when taken, 401 or 404 without a word more when not ours, 400 when not readable, 413 when too long."""
    ours, at = settings.EMAIL_WEBHOOK_SECRET, timezone.now()
    if not ours or not constant_time_compare(secret, ours) or service not in SERVICES:
        return HttpResponse(status=404)
    if is_too_often(request, service, ANSWERING, at):
        return HttpResponse(status=429)
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MAX_BYTES:
        return HttpResponse(status=413)
    try:
        replies = list(_replies(service, request, at))
    except AnymailWebhookValidationFailure:
        return HttpResponse(status=401)
    except (ImproperlyConfigured, AnymailError) as error:
        log.error("mail_replies_not_set_up", service=service, error=str(error))
        return HttpResponse(status=400)
    except (ValueError, KeyError, TypeError, AttributeError):
        return HttpResponse(status=400)
    with act(Door.API, source=service, because="Secret of the address"):
        take_mail_events(events=replies, service=service, at=at)
    return HttpResponse(status=200)


def _replies(service: str, request: HttpRequest, at: datetime) -> Iterator[MailEvent]:
    name, key = SERVICES[service]
    view: Any = getattr(import_module(f"anymail.webhooks.{service}"), name)
    signing = settings.EMAIL_WEBHOOK_SIGNING_KEY
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the password that protects the address; here the secret does
        opened = view(**({key: signing} if key and signing else {}))
    opened.run_validators(request)
    for each in opened.parse_events(request):
        message = getattr(each, "message", None)
        if message is None:
            continue
        sender = message.from_email
        try:
            email = normalize_email(sender.addr_spec if sender else "")
        except InvalidEmail:
            continue
        sent = message.date
        sent = sent.replace(tzinfo=UTC) if sent and sent.tzinfo is None else sent
        yield MailEvent(
            kind="email_reply",
            email=email,
            occurred_at=min(sent or at, at),
            event_id=str(message["Message-ID"] or each.event_id or "")[:200],
            exclusion=AUTO_REPLY if is_auto_reply(dict(message.items())) else "",
        )
