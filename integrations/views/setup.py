"""Connecting a CRM, step by step: which one, how to sign in, a test, the switch. Each is edited here later, too."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST

from integrations.actions.connections.edit_connection import add_connection, edit_access
from integrations.actions.connections.sign_in_by_consent import flow_of
from integrations.actions.connections.switch_connection import NotReady, switch_off, switch_on
from integrations.connectors import vendor as vendor_of
from integrations.connectors import vendors
from integrations.connectors.base import Misuse, SignIn, Vendor
from integrations.forms.access import AccessForm, sandbox_address
from integrations.models import Connection, ExternalRecord, RecordKind, RemoteSchema, StageMap
from integrations.queries.connections import is_secret_old, secret_state
from integrations.tasks import nudge_back_fill
from integrations.views.doors import editable_connection, next_url, redirect_address, require_admin, steps, tried
from leads.views.doors import SignedInRequest

TAGLINES = {
    "salesforce": "Leads, contacts, accounts, opportunities with their history, campaigns and members.",
    "hubspot": "Contacts, companies, deals with their history, campaigns. Changes arrive within minutes by webhook.",
    "pipedrive": "People, leads, organizations and deals with their history. Changes arrive within minutes by webhook.",
    "sandbox": "Our own small CRM: people and deals, with pages of its own to click in.",
}


@login_required
@require_http_methods(["GET", "POST"])
def connection_add(request: SignedInRequest) -> HttpResponse:
    """Step 1: which CRM, then how to sign in. What is entered is kept, switched off, and tested at once."""
    require_admin(request)
    chosen = _vendor(request.GET.get("vendor", ""))
    if chosen is None:
        cards = [
            {"vendor": each, "tagline": TAGLINES.get(each.kind, ""), "sandbox": sandbox_address(each)}
            for each in vendors()
            if each.kind != "sandbox" or settings.SANDBOX_CRM_ALLOWED
        ]
        return render(
            request,
            "integrations/connections/connection_add.html",
            {"cards": cards, "steps": steps("connection-access")},
        )
    sign_in = _sign_in(chosen, request.GET.get("sign_in", ""))
    is_sandbox = "sandbox" in request.GET
    form = AccessForm(request.POST or None, vendor=chosen, sign_in=sign_in, is_sandbox=is_sandbox)
    if request.method == "POST" and form.is_valid():
        at, by = timezone.now(), request.user
        connection = add_connection(kind=chosen.kind, at=at, by=by, is_active=False, **form.values())
        if needs_consent(connection):
            messages.info(request, f"Saved. Now connect it: {chosen.name} asks you to allow it.")
            return redirect("integrations:connection-access", connection.slug)
        return tried(request, connection)
    context = {
        "form": form, "vendor": chosen, "sign_in": sign_in, "is_sandbox": form.is_sandbox,
        "sandbox": sandbox_address(chosen), "steps": steps("connection-access"),
    }  # fmt: skip
    return render(
        request, "integrations/connections/connection_access.html", context, status=422 if form.is_bound else 200
    )


@login_required
@require_http_methods(["GET", "POST"])
def connection_access(request: SignedInRequest, slug: str) -> HttpResponse:
    """Name, address and secrets of a connection; the secrets are only ever replaced."""
    connection = editable_connection(request, slug)
    chosen = vendor_of(connection.kind)
    sign_in = _sign_in(chosen, request.GET.get("sign_in", connection.sign_in))
    form = AccessForm(request.POST or None, vendor=chosen, sign_in=sign_in, connection=connection)
    at = timezone.now()
    if request.method == "POST" and form.is_valid():
        is_other = edit_access(connection_id=connection.pk, at=at, **form.values())
        connection.refresh_from_db()
        if needs_consent(connection):
            messages.info(request, f"Saved. Now connect it: {chosen.name} asks you to allow it.")
            return redirect("integrations:connection-access", connection.slug)
        if is_other:
            return tried(request, connection)
        messages.success(request, "Saved.")
        return redirect(next_url("connection-access", connection))
    context = {
        "form": form, "vendor": chosen, "sign_in": sign_in, "connection": connection,
        "secret_state": secret_state(connection, at),
        "secret_tone": "warn" if is_secret_old(connection, at) else "good",
        "steps": steps("connection-access", connection),
        "asks_consent": sign_in.flow is not None and sign_in.key == connection.sign_in,
        "needs_consent": needs_consent(connection),
        "redirect_address": redirect_address(request),
    }  # fmt: skip
    return render(
        request, "integrations/connections/connection_access.html", context, status=422 if form.is_bound else 200
    )


@login_required
@require_http_methods(["GET", "POST"])
def connection_test(request: SignedInRequest, slug: str) -> HttpResponse:
    """Step 2: whose account it is, and what a person must still do there."""
    connection = editable_connection(request, slug)
    if request.method == "POST":
        return tried(request, connection)
    stages = StageMap.objects.filter(connection=connection)
    context = {
        "connection": connection,
        "vendor": vendor_of(connection.kind),
        "account": connection.account,
        "tested_at": parse_datetime(connection.account.get("tested_at", "")),
        "stages": stages.count(),
        "owners": ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER).count(),
        "schemas": RemoteSchema.objects.filter(connection=connection).order_by("-kind"),
        "steps": steps("connection-test", connection),
        "next_url": next_url("connection-test", connection),
    }
    return render(request, "integrations/connections/connection_test.html", context)


@login_required
@require_POST
def connection_switch(request: SignedInRequest, slug: str) -> HttpResponse:
    """On or off."""
    connection = editable_connection(request, slug)
    if request.POST.get("to") == "off":
        switch_off(connection_id=connection.pk)
        messages.info(request, f"{connection} is switched off. Nothing goes out or comes in until it is switched on.")
    elif not connection.account:
        messages.error(request, "Test the connection first: nobody knows yet whether it works.")
        return redirect("integrations:connection-test", connection.slug)
    else:
        without = set(request.POST.getlist("without"))
        try:
            is_begun = switch_on(
                connection_id=connection.pk,
                at=timezone.now(),
                by=request.user,
                without_trial="dry-run" in without,
                with_gaps="gaps" in without,
            )
        except NotReady as refused:
            messages.error(request, str(refused))
            return redirect("integrations:connection-dry-run", connection.slug)
        if is_begun:
            nudge_back_fill()
            words = f"{connection} is switched on. All leads are on their way; you can leave this page."
            messages.success(request, words)
    return redirect(connection)


def needs_consent(connection: Connection) -> bool:
    """Whether nobody has allowed our app in the CRM yet, where the way of signing in asks for that."""
    return flow_of(connection=connection) is not None and not (
        connection.refresh_token or connection.secrets.get("refresh_token")
    )


def _vendor(kind: str) -> Vendor | None:
    if not kind:
        return None
    try:
        return vendor_of(kind)
    except Misuse:
        raise Http404 from None


def _sign_in(chosen: Vendor, key: str) -> SignIn:
    """The way of signing in by its key; the vendor's first one for any other word."""
    return next((each for each in chosen.sign_ins if each.key == key), chosen.sign_ins[0])
