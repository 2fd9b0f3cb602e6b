"""People and activities: what else of a CRM is read, by choice of the connection."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.actions.connections.choose_content import choose_content
from integrations.actions.connections.confirm_step import confirm_step
from integrations.connectors import vendor as vendor_of
from integrations.forms.content import ContentForm
from integrations.views.doors import editable_connection, next_url, steps
from leads.views.doors import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def connection_content(request: SignedInRequest, slug: str) -> HttpResponse:
    """Which people become leads, and what becomes a touchpoint."""
    connection = editable_connection(request, slug)
    form = ContentForm(connection, request.POST or None)
    if request.method == "POST" and form.is_valid():
        confirm_step(connection_id=connection.pk, step="connection-content")
        is_changed = choose_content(
            connection_id=connection.pk, takes_people=form.takes(), activities=form.activities(), at=timezone.now()
        )
        words = "Saved. The next sync reads what was passed over so far." if is_changed else "Nothing was different."
        messages.success(request, words)
        return redirect(next_url("connection-content", connection))
    context = {
        "connection": connection, "vendor": vendor_of(connection.kind), "form": form,
        "groups": [[form[name] for name in form.fields if name.startswith(f"{kind}-")] for kind in form.kinds],
        "steps": steps("connection-content", connection), "next_url": next_url("connection-content", connection),
    }  # fmt: skip
    status = 422 if form.is_bound else 200
    return render(request, "integrations/connections/connection_content.html", context, status=status)
