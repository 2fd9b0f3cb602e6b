"""What an admin does on a connection's page: sync, send again, release, webhooks."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integrations.actions.connections.delete_connection import DeleteRefused, delete_connection
from integrations.actions.connections.edit_connection import open_webhook
from integrations.actions.jobs.plan_syncs import plan_manual_sync
from integrations.actions.push.choose_record import choose_record
from integrations.actions.push.requeue import requeue_pushes
from integrations.actions.undo.release_records import release_records
from integrations.connectors import vendor as vendor_of
from integrations.queries.removal import removal_of
from integrations.tasks import nudge_look, nudge_sync
from integrations.views.doors import editable_connection, webhook_address
from leads.views.doors import SignedInRequest, telling


@login_required
@require_POST
def connection_sync(request: SignedInRequest, slug: str) -> HttpResponse:
    """Plan a sync for now and ask a worker to begin."""
    connection = editable_connection(request, slug)
    if not connection.is_active:
        messages.error(request, "The connection is not switched on.")
        return redirect(connection)
    job = plan_manual_sync(connection=connection, by=request.user, at=timezone.now())
    nudge_sync(job.pk)
    messages.info(request, "The sync begins as soon as a worker is free. You can leave this page.")
    return redirect(connection)


@login_required
@require_POST
def connection_requeue(request: SignedInRequest, slug: str) -> HttpResponse:
    """Send a failed record again, or all of them."""
    connection = editable_connection(request, slug)
    number = requeue_pushes(
        connection_id=connection.pk, at=timezone.now(), push_ids=_chosen(request.POST.get("push", ""))
    )
    word = "record is" if number == 1 else "records are"
    messages.success(request, f"{number} {word} queued again and will be sent within minutes.")
    return redirect(connection)


@login_required
@require_POST
def connection_choose(request: SignedInRequest, slug: str) -> HttpResponse:
    """Which of the records found in the CRM a refused lead is; none makes a new one."""
    connection = editable_connection(request, slug)
    push, remote_id = request.POST.get("push", ""), request.POST.get("record", "")[:120]
    push_id = int(push) if push.isdecimal() and push.isascii() and len(push) < 19 else 0
    with telling(request):
        chosen = choose_record(
            connection_id=connection.pk, push_id=push_id, remote_id="" if remote_id == "new" else remote_id,
            at=timezone.now(),
        )  # fmt: skip
        messages.success(request, f"{chosen.lead} is sent with the next sync.")
    return redirect(f"{connection.get_absolute_url()}#failed")


@login_required
@require_POST
def connection_release(request: SignedInRequest, slug: str) -> HttpResponse:
    """Let a held record be synced again, or all of them."""
    connection = editable_connection(request, slug)
    number = release_records(
        connection_id=connection.pk, at=timezone.now(), record_ids=_chosen(request.POST.get("record", ""))
    )
    if number:
        nudge_look(connection.pk)
    word = "record is" if number == 1 else "records are"
    messages.success(request, f"{number} {word} released and read again within minutes.")
    return redirect(connection)


@login_required
@require_POST
@never_cache
def connection_webhook(request: SignedInRequest, slug: str) -> HttpResponse:
    """A new address for the CRM's webhooks, and the password that goes with it, shown this once."""
    connection = editable_connection(request, slug)
    kind = vendor_of(connection.kind).webhooks
    if not kind:
        messages.error(request, "This CRM sends no webhooks that can be verified.")
        return redirect(connection)
    key, password = open_webhook(connection_id=connection.pk)
    if kind == "signature":
        messages.success(request, "The address is new. Enter it in the CRM; the old one is void.")
        return redirect(f"{connection.get_absolute_url()}#webhooks")
    context = {"connection": connection, "address": webhook_address(request, key), "password": password}
    return render(request, "integrations/connections/connection_webhook.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def connection_delete(request: SignedInRequest, slug: str) -> HttpResponse:
    """A look at what goes with a connection, then its end."""
    connection, at = editable_connection(request, slug), timezone.now()
    if request.method == "POST":
        try:
            delete_connection(connection_id=connection.pk, at=at)
        except DeleteRefused as refused:
            messages.error(request, str(refused))
            return redirect("integrations:connection-delete", connection.slug)
        messages.success(request, f"{connection} is deleted. What it brought here stays.")
        return redirect("integrations:connections")
    is_busy = connection.lease_until is not None and connection.lease_until > at
    context = {"connection": connection, "removal": removal_of(connection), "is_busy": is_busy}
    return render(request, "integrations/connections/connection_delete.html", context)


def _chosen(one: str) -> list[int] | None:
    """The one that a button names, None for all, nothing for nonsense."""
    if one == "all":
        return None
    return [int(one)] if one.isdecimal() and one.isascii() and len(one) < 19 else []
