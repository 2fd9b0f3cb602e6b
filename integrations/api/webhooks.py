"""``POST /webhooks/crm/<key>``: a CRM says that something changed. We go and look ourselves.

The key in the address is unguessable and the connector verifies signature or password over the raw body. Whoever fails
learns nothing but that.
"""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from integrations.actions.hear_webhook import WebhookRefused, hear_webhook
from integrations.connectors.base import RawWebhook
from integrations.tasks import nudge_look

MAX_BYTES = 1024 * 1024


class WebhookThrottle(SimpleRateThrottle):
    """Per address of the caller, before anything is looked up; a CRM batches its events well below this."""

    rate = "600/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:webhook:{self.get_ident(request)}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except Exception:  # the counts live beside the broker; a CRM's word must not be lost with them
            return True


class CrmWebhook(APIView):
    """Takes hints of CRMs."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)
    http_method_names = ["post"]

    @extend_schema(exclude=True)
    def post(self, request: Request, key: str) -> Response:
        """202 when heard, 401 without a word more when not, 413 when too long."""
        raw_request = request._request
        length = raw_request.headers.get("Content-Length", "")
        if not length.isdecimal():
            return Response(status=411)
        if int(length) > MAX_BYTES:
            return Response(status=413)
        origin = settings.PORTAL_URL or f"{raw_request.scheme}://{raw_request.get_host()}"
        raw = RawWebhook(
            method="POST",
            # As the CRM addressed us: behind a proxy the request itself may not know.
            url=f"{origin}{raw_request.get_full_path()}",
            headers=dict(raw_request.headers),
            body=raw_request.body,
            received_at=timezone.now(),
        )
        try:
            connection_id = hear_webhook(key=key, raw=raw, at=timezone.now())
        except WebhookRefused:
            return Response(status=401)
        if connection_id:
            nudge_look(connection_id)
        return Response(status=202)
