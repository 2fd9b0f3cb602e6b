"""The theme a person chose for the portal: light, dark, or what their system says."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from leads.actions.choose_theme import choose_theme
from leads.models import Theme
from leads.views.doors import SignedInRequest


@login_required
@require_POST
def theme(request: SignedInRequest) -> HttpResponse:
    """Keep the choice and go back to where it was made."""
    chosen = request.POST.get("theme", "")
    if chosen not in Theme.values:
        return HttpResponseBadRequest("There is no such theme.")
    choose_theme(user=request.user, theme=Theme(chosen))
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None, require_https=request.is_secure())
    return redirect(back if is_ours else "/")
