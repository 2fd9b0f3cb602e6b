"""``POST /webhooks/email/<service>/<secret>``: an email service says what became of its mails.

The secret in the address is ours; where a service signs its events, django-anymail verifies the signature, and it puts
the events of all services into the same words. Whoever fails learns nothing but that.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import structlog
from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from leads.actions.capture.take_mail_events import take_mail_events
from leads.past.acting import Door, act
from leads.pure.capture.machines import ip_of
from leads.pure.capture.mail_events import MailEvent, is_hard_bounce, kind_of, message_id_of
from leads.pure.spelling.identity import InvalidEmail, normalize_email

log = structlog.get_logger(__name__)
MAX_BYTES = 5 * 1024 * 1024
# Module and class of anymail.webhooks, and the name under which the class takes the key that verifies signatures.
SERVICES: Mapping[str, tuple[str, str]] = {
    "brevo": ("BrevoTrackingWebhookView", ""),
    "mailersend": ("MailerSendTrackingWebhookView", "signing_secret"),
    "mailgun": ("MailgunTrackingWebhookView", "webhook_signing_key"),
    "mailjet": ("MailjetTrackingWebhookView", ""),
    "mailtrap": ("MailtrapTrackingWebhookView", "signing_secret"),
    "mandrill": ("MandrillCombinedWebhookView", "webhook_key"),
    "postmark": ("PostmarkTrackingWebhookView", ""),
    "resend": ("ResendTrackingWebhookView", ""),
    "sendgrid": ("SendGridTrackingWebhookView", "tracking_webhook_verification_key"),
    "sparkpost": ("SparkPostTrackingWebhookView", ""),
}


class MailThrottle(SimpleRateThrottle):
    """Per address of the caller, before anything is looked up; services gather their events well below this."""

    rate = "1200/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:mail-events:{self.get_ident(request)}"


class MailEvents(APIView):
    """Takes events of email services."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (MailThrottle,)
    http_method_names = ["post", "head"]

    @extend_schema(exclude=True)
    def head(self, request: Request, service: str, secret: str) -> Response:
        """Some services look whether the address is there before they take it."""
        return Response(status=200 if _is_ours(service, secret) else 404)

    @extend_schema(exclude=True)
    def post(self, request: Request, service: str, secret: str) -> Response:
        """200 when taken, 401 or 404 without a word more when not ours, 400 when not readable, 413 when too long."""
        if not _is_ours(service, secret):
            return Response(status=404)
        raw, at = request._request, timezone.now()
        length = raw.headers.get("Content-Length", "")
        if not length.isdecimal():
            return Response(status=411)
        if int(length) > MAX_BYTES:
            return Response(status=413)
        try:
            events = list(_events(service, raw, at))
        except AnymailWebhookValidationFailure:
            return Response(status=401)
        except (ImproperlyConfigured, AnymailError) as error:
            log.error("mail_events_not_set_up", service=service, error=str(error))
            return Response(status=400)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Response(status=400)  # signed or not, it is no event as the service writes them
        with act(Door.API, source=service, because="Secret of the address"):
            take_mail_events(events=events, service=service, at=at)
        return Response(status=200)


def _is_ours(service: str, secret: str) -> bool:
    ours = settings.EMAIL_WEBHOOK_SECRET
    return bool(ours) and constant_time_compare(secret, ours) and service in SERVICES


def _events(service: str, request: HttpRequest, at: datetime) -> Iterator[MailEvent]:
    for each in _anymail(service, request):
        email = _email(each.recipient)
        raw = each.esp_event if isinstance(each.esp_event, Mapping) else {}
        is_hard = is_hard_bounce(service, raw)
        kind = kind_of(each.event_type or "", each.reject_reason or "", is_hard=is_hard)
        if not email or not kind:
            continue
        yield MailEvent(
            kind=kind,
            email=email,
            occurred_at=min(each.timestamp or at, at),
            event_id=str(each.event_id or ""),
            token="" if each.timestamp else str(each.event_id or _digest(raw)),
            url=_url(each.click_url or ""),
            user_agent=(each.user_agent or "")[:1000],
            message_id=message_id_of(service, raw, str(each.message_id or "")),
            ip=ip_of(raw),
        )


def _anymail(service: str, request: HttpRequest) -> list[Any]:
    """The events as django-anymail reads them; the signals that its views send are not used."""
    name, key = SERVICES[service]
    view: Any = getattr(import_module(f"anymail.webhooks.{service}"), name)
    signing = settings.EMAIL_WEBHOOK_SIGNING_KEY
    with warnings.catch_warnings():
        # It warns where no password protects the address; here the secret in the address does.
        warnings.simplefilter("ignore")
        opened = view(**({key: signing} if key and signing else {}))
    opened.run_validators(request)
    found: list[Any] = opened.parse_events(request)
    return [each for each in found if hasattr(each, "recipient")]


def _digest(event: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(event, sort_keys=True, default=str).encode()).hexdigest()


def _email(text: str | None) -> str:
    try:
        return normalize_email(text or "")
    except InvalidEmail:
        return ""


def _url(text: str) -> str:
    """Where a click led, if it is a page."""
    return text[:1000] if urlsplit(text).scheme in ("http", "https") else ""
