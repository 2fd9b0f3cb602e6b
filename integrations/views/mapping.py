"""What the CRM's fields, stages and owners mean here: steps 3 and 4 of the setup, and where they are edited later."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.actions.connections.confirm_step import confirm_step
from integrations.actions.connections.edit_connection import map_fields, map_owners, map_stages
from integrations.connectors import rules as vendor_rules
from integrations.connectors import vendor as vendor_of
from integrations.forms.mapping import ATTRIBUTE, Described, OwnerMapForm, StageMapForm, field_rows
from integrations.models import Connection, ExternalRecord, RecordKind, RemoteSchema, StageMap
from integrations.queries.mapping import rules_of
from integrations.tasks import nudge_back_fill
from integrations.views.doors import editable_connection, next_url, steps
from leads.models import Lead, Opportunity
from leads.views.doors import SignedInRequest

KINDS = {"person": "Leads", "deal": "Opportunities", "account": "Accounts"}
# How many of the newest records tell which further columns there are.
SAMPLE = 300


@login_required
@require_http_methods(["GET", "POST"])
def connection_fields(request: SignedInRequest, slug: str) -> HttpResponse:
    """Field by field: the name on each side, the way it travels and who wins."""
    connection = editable_connection(request, slug)
    kinds = [kind for kind in KINDS if kind in vendor_rules(connection.kind)]
    kind: Any = request.GET.get("kind") if request.GET.get("kind") in kinds else kinds[0]
    schema = RemoteSchema.objects.filter(connection=connection, kind=kind).first()
    described = Described(kind, {each["name"]: each for each in schema.fields} if schema else {})
    rules, columns = rules_of(connection)[kind], _columns(kind)
    is_adding = "add" in request.POST
    if request.method == "POST" and not is_adding:
        rows = field_rows(rules, described, columns, data=request.POST)
        if rows.is_valid():
            is_changed = map_fields(
                connection_id=connection.pk,
                kind=kind,
                rules=rows.rules(),
                at=timezone.now(),
                by=request.user,
            )
            return _saved(request, connection, kind, kinds, is_changed)
    elif is_adding:
        rows = field_rows(rules, described, columns, data=_with_more_rows(request))
    else:
        asked = [] if kind != "person" else missing_fields(connection, described, {rule.remote for rule in rules})
        rows = field_rows(rules, described, columns, asked=[each["name"] for each in asked])
    named = {str(form["remote"].value() or "") for form in rows.forms if form["local"].value()}
    context = {
        "connection": connection, "vendor": vendor_of(connection.kind), "rows": rows, "kind": kind, "schema": schema,
        "kinds": [(key, KINDS[key], key == kind) for key in kinds],
        "missing": missing_fields(connection, described, named) if kind == "person" else [],
        "steps": steps("connection-fields", connection), "next_url": next_url("connection-fields", connection),
    }  # fmt: skip
    status = 422 if rows.is_bound and not is_adding else 200
    return render(request, "integrations/mapping/connection_fields.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def connection_stages(request: SignedInRequest, slug: str) -> HttpResponse:
    """What the CRM's stages mean."""
    connection = editable_connection(request, slug)
    rows = list(StageMap.objects.filter(connection=connection).order_by("pipeline", "remote_position", "pk"))
    form = StageMapForm(rows, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if map_stages(connection_id=connection.pk, choices=form.choices()):
            messages.success(request, "The stages are saved. The next sync reads all deals under them.")
        else:
            messages.info(request, "Nothing was different.")
        return redirect(next_url("connection-stages", connection))
    context = {
        "connection": connection, "form": form, "rows": rows, "unmapped": sum(row.stage_id is None for row in rows),
        "steps": steps("connection-stages", connection), "next_url": next_url("connection-stages", connection),
    }  # fmt: skip
    return render(request, "integrations/mapping/connection_stages.html", context, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "POST"])
def connection_owners(request: SignedInRequest, slug: str) -> HttpResponse:
    """Who the CRM's owners are here."""
    connection = editable_connection(request, slug)
    rows = list(
        ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER)
        .select_related("owner")
        .order_by("remote_name", "pk")
    )
    form = OwnerMapForm(rows, request.POST or None)
    if request.method == "POST" and form.is_valid():
        confirm_step(connection_id=connection.pk, step="connection-owners")
        if map_owners(connection_id=connection.pk, choices=form.choices()):
            messages.success(request, "The owners are saved. The next sync reads what they own again.")
        else:
            messages.info(request, "Nothing was different.")
        return redirect(next_url("connection-owners", connection))
    context = {
        "connection": connection, "form": form, "rows": rows, "unmatched": sum(row.owner_id is None for row in rows),
        "retired": sum(not row.is_active_there for row in rows),
        "steps": steps("connection-owners", connection), "next_url": next_url("connection-owners", connection),
    }  # fmt: skip
    return render(request, "integrations/mapping/connection_owners.html", context, status=422 if form.is_bound else 200)


def _saved(
    request: SignedInRequest, connection: Connection, kind: str, kinds: list[str], is_changed: bool
) -> HttpResponse:
    if not is_changed:
        messages.info(request, "Nothing was different.")
    elif connection.is_active:
        nudge_back_fill()
        messages.success(request, "The mapping is saved. What it changes is read and sent again with the next sync.")
    else:
        messages.success(request, f"The fields of {KINDS[kind].lower()} are saved.")
    if connection.is_being_set_up and kind != kinds[-1]:
        following = kinds[kinds.index(kind) + 1]
        return redirect(f"{reverse('integrations:connection-fields', args=[connection.slug])}?kind={following}")
    return redirect(next_url("connection-fields", connection))


def missing_fields(connection: Connection, described: Described, named: set[str]) -> list[dict[str, Any]]:
    """What the CRM asks of every new record, no row fills and its connector does not fill by itself."""
    known = named | vendor_of(connection.kind).fills
    return [
        each
        for each in described.fields.values()
        if each["is_required"] and each["is_writable"] and each["name"] not in known
    ]


def _with_more_rows(request: SignedInRequest) -> Any:
    """What was typed so far, with three more rows below it."""
    data = request.POST.copy()
    present = data.get("row-TOTAL_FORMS", "0")
    number = int(present) if present.isdecimal() and len(present) < 4 else 0
    data["row-TOTAL_FORMS"] = str(min(number + 3, 300))
    return data


def _columns(kind: str) -> list[str]:
    """Further columns that the newest records have, as a mapping names them."""
    model = {"person": Lead, "deal": Opportunity}.get(kind)
    if model is None:
        return []
    newest = model._default_manager.order_by("-pk").values_list("attributes", flat=True)[:SAMPLE]
    return [f"{ATTRIBUTE}{name}" for name in sorted({name for each in newest for name in each})]
