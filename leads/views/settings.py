"""Settings that belong to everyday administration: the company, and its people."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.invitations.accept_invitation import accept_invitation
from leads.actions.invitations.invite import InviteRefused, invite, invite_again, invited_by_link, take_back
from leads.actions.reprice import reprice_company
from leads.forms.invitations import AcceptForm, InviteForm
from leads.forms.settings import CompanyForm
from leads.models import Company, Invitation, Role, User
from leads.past.acting import Door, act_on
from leads.views.doors import SignedInRequest, allowed, telling

CHANGES_SHOWN = 10
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def company_settings(request: SignedInRequest) -> HttpResponse:
    """The company's name, zone, currency, calendar and defaults, with their changes."""
    _admin(request)
    company = Company.current()
    form = CompanyForm(request.POST or None, instance=company)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            reprice_company(company=company, changed=form.changed_data, by=request.user, at=timezone.now())
        messages.success(request, "Company settings saved.")
        return redirect("leads:company-settings")
    context = {"form": form, "changes": _changes()}
    return render(request, "leads/settings/company_settings.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: SignedInRequest) -> HttpResponse:
    """Everybody with their role, those who were invited, and the form to invite somebody."""
    user = _admin(request)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invite(by=user, at=timezone.now(), **form.cleaned_data)
        except InviteRefused as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"An invitation is on its way to {form.cleaned_data['email'].lower()}.")
            return redirect("leads:people")
    invited = Invitation.objects.filter(accepted_at__isnull=True).select_related("user", "invited_by")
    waiting = list(invited.order_by("-sent_at"))
    at = timezone.now()
    context = {
        "form": form,
        "invited": [(each, each.is_open(at)) for each in waiting],
        "people": User.objects.exclude(pk__in=[each.user_id for each in waiting]).order_by("-is_active", Lower("name")),
    }
    return render(request, "leads/settings/people.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def invitation_again(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send another mail."""
    user = _admin(request)
    invitation = get_object_or_404(Invitation.objects.select_related("user"), public_id=public_id)
    with telling(request):
        invite_again(by=user, invitation=invitation, at=timezone.now())
        messages.success(request, f"Another invitation is on its way to {invitation.user.email}.")
    return redirect("leads:people")


@login_required
@require_POST
def invitation_take_back(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    user = _admin(request)
    invitation = get_object_or_404(Invitation.objects.select_related("user"), public_id=public_id)
    with telling(request):
        take_back(by=user, invitation=invitation)
        messages.success(request, f"{invitation.user.email} is not invited any more.")
    return redirect("leads:people")


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """What the link of an invitation opens: choose a password, and be in."""
    at = timezone.now()
    try:
        invitation = invited_by_link(token=token, at=at)
        form = AcceptForm(request.POST or None, user=invitation.user, initial={"name": invitation.user.name})
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            act_on(Door.PAGE, actor=invitation.user_id, because="Invitation")
            user = accept_invitation(token=token, name=given["name"], password=given["password1"], at=at)
            login(request, user, backend=_BACKEND)
            return redirect("home")
    except InviteRefused as error:
        return render(request, "leads/settings/invitation.html", {"why": str(error)}, status=404)
    context = {"form": form, "invitation": invitation, "company_name": Company.current().name}
    return render(request, "leads/settings/invitation.html", context, status=422 if form.errors else 200)


def _admin(request: SignedInRequest) -> User:
    return allowed(request, lambda user: user.has_role(Role.ADMIN), "Admins change settings.")


def _changes() -> list[dict[str, Any]]:
    """The newest changes of the settings: when, who, and per field from what to what."""
    rows = list(Company.history.select_related("history_user").order_by("-history_date", "-pk")[: CHANGES_SHOWN + 1])
    told = []
    for newer, older in pairwise(rows):
        fields = [
            (change.field.replace("_", " "), change.old, change.new) for change in newer.diff_against(older).changes
        ]
        if fields:
            told.append({"at": newer.history_date, "by": newer.history_user, "fields": fields})
    return told
