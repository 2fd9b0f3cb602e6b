"""Saving and removing views of lists."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads.actions.bulk.save_view import ViewRefused, remove_view, save_view
from leads.forms.bulk import SaveViewForm
from leads.models import SavedView
from leads.views.doors import SignedInRequest, telling
from leads.views.list_views import LISTS


@login_required
@require_POST
def view_save(request: SignedInRequest, listing: str) -> HttpResponse:
    """Keep what a list shows under a name."""
    if listing not in LISTS:
        raise Http404
    user, form = request.user, SaveViewForm(request.POST, by=request.user)
    query = str(request.POST.get("query", ""))
    if form.is_valid():
        with telling(request):
            view = save_view(listing=listing, by=user, at=timezone.now(), **form.cleaned_data)
            messages.success(request, f"View “{view.name}” is saved.")
    else:
        messages.error(request, "Give the view a name.")
    return redirect(f"{reverse(LISTS[listing])}?{query or 'view=all'}")


@login_required
@require_POST
def view_remove(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Remove a view."""
    view = get_object_or_404(SavedView.objects.visible_to(request.user), public_id=public_id)
    listing = view.listing
    try:
        remove_view(view=view, by=request.user)
    except ViewRefused as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    messages.success(request, f"View “{view.name}” is removed.")
    return redirect(f"{reverse(LISTS[listing])}?view=all")
