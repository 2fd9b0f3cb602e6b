"""Connect by OAuth: to the CRM, where a person allows our app, and back with what they allowed."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.actions.connections.check_connection import explain
from integrations.actions.connections.sign_in_by_consent import NoConsent, ask_consent, take_consent
from integrations.connectors.base import CrmError
from integrations.models import Connection
from integrations.views.doors import editable_connection, redirect_address, tried
from leads.views.doors import SignedInRequest

KEPT = "crm-consent"
# How long a person may take in the CRM.
LONGEST = timedelta(minutes=15)


@login_required
@require_GET
@never_cache
def connection_consent(request: SignedInRequest, slug: str) -> HttpResponse:
    """Send the person to the CRM. What comes back is compared with what their session keeps."""
    connection = editable_connection(request, slug)
    try:
        asked = ask_consent(connection=connection, redirect_uri=redirect_address(request))
    except (NoConsent, CrmError) as refused:
        messages.error(request, str(refused))
        return redirect("integrations:connection-access", connection.slug)
    request.session[KEPT] = {
        "state": asked.state,
        "verifier": asked.verifier,
        "connection": connection.pk,
        "asked_at": timezone.now().isoformat(),
    }
    return HttpResponseRedirect(asked.url)


@login_required
@require_GET
@never_cache
def consent_given(request: SignedInRequest) -> HttpResponse:
    """Back from the CRM: the state must be the one of this session, asked for lately, and is good once."""
    kept: dict[str, Any] = request.session.pop(KEPT, {})
    at = timezone.now()
    asked_at = parse_datetime(str(kept.get("asked_at", "")))
    is_ours = hmac.compare_digest(request.GET.get("state", "").encode(), str(kept.get("state", "")).encode())
    connection = Connection.objects.editable_by(request.user).filter(pk=kept.get("connection", 0)).first()
    if not kept or not is_ours or asked_at is None or at - asked_at > LONGEST or connection is None:
        messages.error(request, "This answer belongs to no question of yours, or came too late. Connect once more.")
        return redirect("integrations:connections")
    code = request.GET.get("code", "")
    if not code:
        messages.error(request, f"Nobody has allowed it: {request.GET.get('error', 'no code came back')[:80]}.")
        return redirect("integrations:connection-access", connection.slug)
    try:
        take_consent(
            connection_id=connection.pk,
            code=code,
            verifier=str(kept["verifier"]),
            redirect_uri=redirect_address(request),
            at=at,
        )
    except CrmError as error:
        messages.error(request, explain(error=error))
        return redirect("integrations:connection-access", connection.slug)
    return tried(request, connection)
