"""A person's notifications: the list, the count beside the bell, what they want and how."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.notifications.choose import choose
from leads.actions.notifications.mark_read import mark_read
from leads.actions.notifications.unsubscribe import LinkRefused, read_link, unsubscribe
from leads.models import Notification
from leads.queries.notifications import CHANNELS, preferences_of
from leads.views.doors import SignedInRequest

PAGE_SIZE = 25


@login_required
@require_GET
def notifications(request: SignedInRequest) -> HttpResponse:
    """Everything the person was told, the newest first."""
    mine = Notification.objects.visible_to(request.user)
    is_unread = request.GET.get("show") == "unread"
    rows = (mine.unread() if is_unread else mine).order_by("-created_at", "-pk")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "unread": mine.unread().count(), "is_unread": is_unread}
    return render(request, "leads/notifications/notifications.html", context)


@login_required
@require_GET
def notification_count(request: SignedInRequest) -> HttpResponse:
    """The number beside the bell, as a fragment."""
    unread = Notification.objects.visible_to(request.user).unread().count()
    return render(request, "leads/notifications/_count.html", {"unread": unread})


@login_required
@require_POST
def notification_open(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Mark one as read and go where it leads."""
    message = get_object_or_404(Notification.objects.visible_to(request.user), public_id=public_id)
    mark_read(user=request.user, at=timezone.now(), public_id=message.public_id)
    if not url_has_allowed_host_and_scheme(message.link, allowed_hosts=None):
        raise Http404("The notification leads nowhere.")
    return HttpResponseRedirect(message.link)


@login_required
@require_POST
def notifications_read(request: SignedInRequest) -> HttpResponse:
    """Mark all as read."""
    count = mark_read(user=request.user, at=timezone.now())
    messages.success(request, f"{count} marked as read." if count else "Nothing was unread.")
    return redirect("leads:notifications")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notification_preferences(request: SignedInRequest) -> HttpResponse:
    """Which kinds come by which channel."""
    rows = preferences_of(request.user)
    if request.method == "POST":
        chosen = {
            (kind.key, str(channel)): f"{kind.key}:{channel}" in request.POST
            for kind, _ in rows
            for channel in CHANNELS
        }
        choose(user=request.user, choices=chosen, at=timezone.now())
        messages.success(request, "Preferences saved.")
        return redirect("leads:notification-preferences")
    return render(request, "leads/notifications/notification_preferences.html", {"rows": rows})


@csrf_exempt  # mail programs post here without a cookie (RFC 8058); the signed link is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_link(request: SignedInRequest, token: str) -> HttpResponse:
    """Stop e-mails of one kind. Opening the link only asks: scanners open links, too."""
    try:
        if request.method == "POST":
            about, is_done = unsubscribe(token=token, at=timezone.now()), True
        else:
            about, is_done = read_link(token=token), False
    except LinkRefused as error:
        return render(request, "leads/notifications/unsubscribe.html", {"why": str(error)}, status=404)
    context = {"kind": about.kind, "email": about.user.email, "is_done": is_done}
    return render(request, "leads/notifications/unsubscribe.html", context)
