"""Webhooks: the endpoints that are told of events, and the log of what was sent."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, time
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.actions.outgoing.deliver_webhooks import deliver_now
from integrations.actions.outgoing.set_endpoint import set_endpoint
from integrations.forms.webhooks import EndpointForm, ReplayForm
from integrations.tasks import nudge_webhooks
from leads.actions.webhooks.replay_deliveries import replay_all, replay_delivery, replay_failed
from leads.actions.webhooks.save_endpoint import (
    EndpointRefused,
    remove_endpoint,
    rotate_secret,
    send_test,
    switch_endpoint,
)
from leads.models import Company, User, WebhookDelivery, WebhookEndpoint
from leads.pure.webhooks import EVENTS, TEST, WORKFLOW
from leads.queries.webhooks import endpoints_with_counts, may_set_webhooks
from leads.views.doors import SignedInRequest, allowed, telling
from leads.views.list_file import list_file

PAGE_SIZE = 25
_BYTES = 32
_KINDS = {**EVENTS, TEST: "Test", WORKFLOW: "Workflow step"}


@login_required
@require_GET
def webhook_endpoints(request: SignedInRequest) -> HttpResponse:
    """Every endpoint with what it is told of and how it goes."""
    _admin(request)
    return render(request, "integrations/webhooks/webhook_endpoints.html", {"rows": endpoints_with_counts()})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_endpoint_add(request: SignedInRequest) -> HttpResponse:
    """Add an endpoint; its secret is shown in the answer and never again."""
    return _edit(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_endpoint_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change an endpoint."""
    _admin(request)
    return _edit(request, _endpoint(public_id))


@login_required
@require_GET
def webhook_endpoint(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """An endpoint with the log of its deliveries, the newest first."""
    _admin(request)
    row = get_object_or_404(endpoints_with_counts(), public_id=public_id)
    rows = row.deliveries.select_related("event").order_by("-pk")
    state, kind = str(request.GET.get("state", "")), str(request.GET.get("event", ""))
    if state in WebhookDelivery.State.values:
        rows = rows.filter(state=state)
    if kind in _KINDS:
        rows = rows.filter(event__kind=kind)
    header = ("Event", "Happened", "Message ID", "State", "Failed tries", "Recorded", "Settled")
    if made := list_file(
        request,
        f"webhook {row.name}",
        header,
        lambda: (
            (
                each.event.kind,
                each.event.occurred_at,
                each.event.message_id,
                each.get_state_display(),
                each.tries,
                each.created_at,
                each.settled_at,
            )
            for each in rows.iterator(chunk_size=2_000)
        ),
    ):
        return made
    at = timezone.now()
    today = at.astimezone(Company.current().tz).date()
    context = {
        "row": row,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "kinds": _KINDS,
        "state": state,
        "kind": kind,
        "signs_both": len(row.secrets(at)) > 1,
        "replay": ReplayForm(initial={"since": today}),
    }
    return render(request, "integrations/webhooks/webhook_endpoint.html", context)


@login_required
@require_GET
def webhook_delivery(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One delivery: what was sent, and each try with its answer."""
    _admin(request)
    rows = WebhookDelivery.objects.select_related("event", "endpoint")
    row = get_object_or_404(rows, public_id=public_id)
    tries = row.attempts.order_by("-pk")
    body = json.dumps(json.loads(row.event.body), indent=2, ensure_ascii=False)
    context = {"row": row, "tries": tries, "kind": _KINDS.get(row.event.kind, row.event.kind), "body": body}
    return render(request, "integrations/webhooks/webhook_delivery.html", context)


@login_required
@require_POST
def webhook_delivery_replay(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send one delivery again."""
    user = _admin(request)
    row = get_object_or_404(WebhookDelivery.objects.select_related("endpoint"), public_id=public_id)
    with telling(request):
        replay_delivery(delivery=row, by=user, at=timezone.now())
        nudge_webhooks()
        messages.success(request, "It is sent again, under the same message ID.")
    return redirect("integrations:webhook-delivery", public_id)


@login_required
@require_POST
def webhook_endpoint_replay(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send many deliveries again."""
    user = _admin(request)
    row, form = _endpoint(public_id), ReplayForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say since when.")
        return redirect(row)
    since = datetime.combine(form.cleaned_data["since"], time(), Company.current().tz)
    replay = replay_all if form.cleaned_data["what"] == "all" else replay_failed
    with telling(request):
        number = replay(endpoint=row, by=user, at=timezone.now(), since=since)
        nudge_webhooks()
        messages.success(request, f"{number:,} deliveries are sent again, under the same message IDs.")
    return redirect(row)


@login_required
@require_POST
def webhook_endpoint_test(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send a test event now, and say how it went."""
    user, row = _admin(request), _endpoint(public_id)
    try:
        delivery = send_test(endpoint=row, key=secrets.token_hex(8), by=user, at=timezone.now())
    except EndpointRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(row)
    posted = deliver_now(delivery=delivery, clock=timezone.now, chance=1.0)
    if posted is None:
        messages.info(request, "The test event is on its way.")
    elif posted.is_taken:
        messages.success(request, f"The test event was taken: {posted.status} after {posted.milliseconds} ms.")
    else:
        messages.error(request, f"The test event was not taken: {posted.error or f'status {posted.status}'}.")
    return redirect("integrations:webhook-delivery", delivery.public_id)


@never_cache
@login_required
@require_POST
def webhook_endpoint_rotate(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """A new secret, shown in the answer and never again."""
    user = _admin(request)
    row = rotate_secret(endpoint=_endpoint(public_id), random=secrets.token_bytes(_BYTES), by=user, at=timezone.now())
    return _shown_once(request, row, is_rotated=True)


@login_required
@require_POST
def webhook_endpoint_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Switch an endpoint on or off."""
    user, row = _admin(request), _endpoint(public_id)
    is_active = "on" in request.POST
    switch_endpoint(endpoint=row, is_active=is_active, by=user, at=timezone.now())
    messages.success(request, f"{row.name} is switched {'on' if is_active else 'off'}.")
    return redirect(row)


@login_required
@require_POST
def webhook_endpoint_remove(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Remove an endpoint with its log."""
    user, row = _admin(request), _endpoint(public_id)
    remove_endpoint(endpoint=row, by=user)
    messages.success(request, f"{row.name} is removed.")
    return redirect("integrations:webhook-endpoints")


def _admin(request: SignedInRequest) -> User:
    return allowed(request, may_set_webhooks, "Admins set up webhooks.")


def _endpoint(public_id: UUID) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint, public_id=public_id)


def _edit(request: SignedInRequest, row: WebhookEndpoint | None) -> HttpResponse:
    user = _admin(request)
    initial = {"name": row.name, "url": row.url, "events": row.events} if row else None
    form = EndpointForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = set_endpoint(
                name=given["name"],
                url=given["url"],
                events=given["events"],
                random=secrets.token_bytes(_BYTES),
                by=user,
                at=timezone.now(),
                endpoint=row,
            )
        except EndpointRefused as refusal:
            form.add_error(refusal.field or None, refusal.reason)
        else:
            if row is None:
                return _shown_once(request, made)
            messages.success(request, f"{made.name} is saved.")
            return redirect(made)
    status = 422 if form.errors else 200
    return render(
        request, "integrations/webhooks/webhook_endpoint_form.html", {"form": form, "row": row}, status=status
    )


def _shown_once(request: SignedInRequest, row: WebhookEndpoint, *, is_rotated: bool = False) -> HttpResponse:
    context = {"row": row, "secret": row.secret, "is_rotated": is_rotated}
    return render(request, "integrations/webhooks/webhook_secret.html", context)
