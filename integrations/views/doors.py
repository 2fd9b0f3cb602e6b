"""Who may open the pages of a connection, and what all of them show: the steps of its setup."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from integrations.actions.connections.try_connection import try_connection
from integrations.actions.runs.hold_connection import ConnectionBusy
from integrations.models import Connection
from integrations.queries.connections import may_edit_connections
from integrations.queries.setup import step_states
from leads.views.doors import SignedInRequest

STEPS = (
    ("connection-access", "Sign in"),
    ("connection-test", "Test"),
    ("connection-fields", "Fields"),
    ("connection-stages", "Stages"),
    ("connection-owners", "Owners"),
    ("connection-content", "People and activities"),
    ("connection-dry-run", "Dry run"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the setup; ``url`` is empty as long as there is no connection."""

    number: int
    label: str
    url: str
    is_current: bool
    is_done: bool = False
    missing: str = ""


def visible_connection(request: SignedInRequest, slug: str) -> Connection:
    """The connection, or 404 for those who have no business with it."""
    return get_object_or_404(Connection.objects.visible_to(request.user), slug=slug)


def editable_connection(request: SignedInRequest, slug: str) -> Connection:
    """The connection for an admin, 404 for anybody else."""
    return get_object_or_404(Connection.objects.editable_by(request.user), slug=slug)


def require_admin(request: SignedInRequest) -> None:
    """404 for anybody else."""
    if not may_edit_connections(request.user):
        raise Http404


def steps(current: str, connection: Connection | None = None) -> list[Step]:
    """The steps with the present one marked, what each lacks, and a tick where it lacks nothing."""
    states = step_states(connection) if connection else {}
    return [
        Step(
            number,
            label,
            reverse(f"integrations:{name}", args=[connection.slug]) if connection else "",
            name == current,
            is_done=name in states and states[name].is_done,
            missing=states[name].missing if name in states else "",
        )
        for number, (name, label) in enumerate(STEPS, start=1)
    ]


def next_url(current: str, connection: Connection) -> str:
    """Where the setup goes on; the connection's own page once it is switched on."""
    if not connection.is_being_set_up:
        return connection.get_absolute_url()
    names = [name for name, _ in STEPS]
    return reverse(f"integrations:{names[names.index(current) + 1]}", args=[connection.slug])


def webhook_address(request: SignedInRequest, key: str) -> str:
    """Where the CRM sends its webhooks."""
    origin = settings.PORTAL_URL or f"{request.scheme}://{request.get_host()}"
    return f"{origin}{reverse('integrations:crm-webhook', args=[key])}"


def redirect_address(request: SignedInRequest) -> str:
    """Where the CRM sends people back; its app must name this address."""
    origin = settings.PORTAL_URL or f"{request.scheme}://{request.get_host()}"
    return f"{origin}{reverse('integrations:consent-given')}"


def tried(request: SignedInRequest, connection: Connection) -> HttpResponse:
    """Test the connection and show what came of it."""
    try:
        checked = try_connection(connection_id=connection.pk, clock=timezone.now, seed=secrets.randbits(32))
    except ConnectionBusy:
        messages.warning(request, "A sync is under way just now. Test again in a minute.")
    else:
        (messages.success if checked.is_ok else messages.error)(request, checked.words)
    return redirect("integrations:connection-test", connection.slug)
