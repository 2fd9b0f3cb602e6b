"""Slack and Teams: the channels that the portal posts to."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.actions.notifications.post_notifications import post_to
from integrations.actions.notifications.set_destination import DestinationRefused, remove_destination, set_destination
from integrations.connectors.chat import ChatMessage, PostFailed
from integrations.forms.notifications import DestinationForm
from leads.models import ChatDestination, User
from leads.queries.notifications import may_set_destinations
from leads.views.doors import SignedInRequest, allowed


@login_required
@require_GET
def chat_destinations(request: SignedInRequest) -> HttpResponse:
    """Every channel with what is posted there and how it goes."""
    _admin(request)
    rows = ChatDestination.objects.order_by("name")
    return render(request, "integrations/notifications/chat_destinations.html", {"rows": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def chat_destination_add(request: SignedInRequest) -> HttpResponse:
    """Add a channel."""
    return _edit(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def chat_destination(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change a channel."""
    return _edit(request, get_object_or_404(ChatDestination, public_id=public_id) if _admin(request) else None)


@login_required
@require_POST
def chat_destination_test(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Post a message now, to see that it arrives."""
    user = _admin(request)
    destination = get_object_or_404(ChatDestination, public_id=public_id)
    told = ChatMessage(
        "RevOps Portal",
        "Test message",
        f"{user.name} tried whether messages arrive here.",
        settings.PORTAL_URL + reverse("integrations:chat-destinations"),
    )
    try:
        post_to(destination=destination, message=told, at=timezone.now())
    except PostFailed as error:
        messages.error(request, f"The test message was not taken: {error}")
    else:
        messages.success(request, f"Posted to {destination.name}.")
    return redirect("integrations:chat-destinations")


@login_required
@require_POST
def chat_destination_remove(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Remove a channel."""
    user = _admin(request)
    destination = get_object_or_404(ChatDestination, public_id=public_id)
    remove_destination(by=user, destination=destination)
    messages.success(request, f"Nothing is posted to {destination.name} any more.")
    return redirect("integrations:chat-destinations")


def _admin(request: SignedInRequest) -> User:
    return allowed(request, may_set_destinations, "Admins set up Slack and Teams.")


def _edit(request: SignedInRequest, row: ChatDestination | None) -> HttpResponse:
    user = _admin(request)
    names = ("name", "kind", "kinds", "is_active")
    initial = {name: getattr(row, name) for name in names} if row else None
    form = DestinationForm(request.POST or None, destination=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = set_destination(by=user, at=timezone.now(), destination=row, **form.cleaned_data)
        except DestinationRefused as error:
            form.add_error(error.field or None, error.reason)
        else:
            messages.success(request, f"{made.name} is saved. Send a test message to see that it arrives.")
            return redirect("integrations:chat-destinations")
    context = {"form": form, "row": row}
    status = 422 if form.errors else 200
    return render(request, "integrations/notifications/chat_destination.html", context, status=status)
