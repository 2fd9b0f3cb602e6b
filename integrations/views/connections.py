"""The connections, and one of them."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from integrations.actions.connections.check_connection import check_connection
from integrations.connectors import vendor as vendor_of
from integrations.forms.mapping import rule_words
from integrations.models import Connection, ExternalRecord, PendingPush, RecordKind, StageMap, SyncHint, SyncRun
from integrations.queries.connections import (
    ConnectionState,
    connection_states,
    held_records,
    is_secret_old,
    may_edit_connections,
    may_see_connections,
    secret_state,
)
from integrations.queries.mapping import rules_of
from integrations.queries.push import failed_pushes, failure_codes, waiting_pushes
from integrations.queries.runs import calls_by_day, count_words, duration_words, jobs_of, outcome_counts, tone_of
from integrations.views.doors import editable_connection, visible_connection, webhook_address
from leads.pure.charts import Chart, stacked_bars
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file

RUNS_A_PAGE = 10
SHOWN = 20
_LIST_HEADER = ("Connection", "CRM", "Health", "Active", "Waiting", "Failed", "Stages not mapped", "Calls in 30 days",
                "Next daily sync", "Last run", "Last run, state")  # fmt: skip
_FAILED_HEADER = ("Lead", "State", "Field", "What the CRM said", "Code", "When")
_HELD_HEADER = ("Record", "Kind", "ID in the CRM", "Why it is held", "Held since")
_WAITING_HEADER = ("Lead", "Because", "Changed", "Not before", "Note")
_HEADER = ("Started", "Finished", "Direction", "State", "What it did", "Took")


@login_required
@require_GET
def connections(request: SignedInRequest) -> HttpResponse:
    """A card for each connection."""
    if not may_see_connections(request.user):
        raise Http404
    states = connection_states(Connection.objects.order_by("name"), timezone.now())
    if made := list_file(request, "connections", _LIST_HEADER, lambda: map(_connection_line, states)):
        return made
    rows = [
        {
            "state": state,
            "vendor": vendor_of(state.connection.kind),
            "runs": [(run, count_words(run), tone_of(run.state)) for run in state.newest_runs[:3]],
        }
        for state in states
    ]
    return render(
        request,
        "integrations/connections/connections.html",
        {"rows": rows, "may_edit": may_edit_connections(request.user)},
    )


def _connection_line(state: ConnectionState) -> tuple[Any, ...]:
    connection, last = state.connection, state.last_run
    told = (connection.name, vendor_of(connection.kind).name, state.health, connection.is_active)
    next_sync = state.next_sync_at if connection.is_active else None
    ran = (last.started_at, last.get_state_display()) if last else (None, "")
    return (*told, state.waiting, state.failed, state.unmapped, state.calls, next_sync, *ran)


def _failed_line(push: PendingPush) -> tuple[Any, ...]:
    said = (push.error_field, push.last_error, push.error_code)
    return (str(push.lead), push.get_state_display(), *said, push.settled_at)


def _held_line(record: ExternalRecord) -> tuple[Any, ...]:
    ours = record.lead or record.opportunity or record.account or record.campaign or ""
    return (str(ours), record.get_kind_display(), record.remote_id, record.held_because, record.held_at)


def _waiting_line(push: PendingPush) -> tuple[Any, ...]:
    return (str(push.lead), push.reason, push.changed_at, push.not_before, push.last_error)


def _files(request: SignedInRequest, connection: Connection, code: str) -> HttpResponse | None:
    """The list of the page that is asked for as a file."""
    slug, runs = connection.slug, SyncRun.objects.filter(connection=connection).order_by("-started_at", "-pk")
    return (
        list_file(request, f"runs {slug}", _HEADER, lambda: map(_line, runs))
        or list_file(
            request,
            f"failed records {slug}",
            _FAILED_HEADER,
            lambda: map(_failed_line, failed_pushes(connection, code)),
            param="failed",
        )
        or list_file(
            request,
            f"held records {slug}",
            _HELD_HEADER,
            lambda: map(_held_line, held_records(connection)),
            param="held",
        )
        or list_file(
            request,
            f"waiting records {slug}",
            _WAITING_HEADER,
            lambda: map(_waiting_line, waiting_pushes(connection)),
            param="waiting",
        )
    )


def _line(run: SyncRun) -> tuple[Any, ...]:
    told = (run.started_at, run.finished_at, run.get_direction_display(), run.get_state_display())
    return (*told, count_words(run), duration_words(run))


@login_required
@require_GET
def connection_detail(request: SignedInRequest, slug: str) -> HttpResponse:
    """Health, runs, what waits, what failed, what is held, the mapping, webhooks, and the state of the secrets."""
    connection, at = visible_connection(request, slug), timezone.now()
    (state,) = connection_states([connection], at)
    vendor = vendor_of(connection.kind)
    runs = SyncRun.objects.filter(connection=connection).order_by("-started_at", "-pk")
    codes, code = failure_codes(connection), request.GET.get("code", "").replace("\0", "")[:80]
    if made := _files(request, connection, code):
        return made
    page = Paginator(runs, RUNS_A_PAGE).get_page(request.GET.get("page"))
    failed, held = failed_pushes(connection, code)[:SHOWN], held_records(connection)
    comparison = state.last_runs.get(SyncRun.Direction.RECONCILE)
    context = {
        "state": state,
        "connection": connection,
        "vendor": vendor,
        "account": connection.account,
        "sign_in": next((each.label for each in vendor.sign_ins if each.key == connection.sign_in), ""),
        "may_edit": may_edit_connections(request.user),
        "jobs": jobs_of(connection),
        "page_obj": page,
        "runs": [
            {"run": run, "took": duration_words(run), "counts": count_words(run), "tone": tone_of(run.state)}
            for run in page
        ],
        "failed": [(push, tone_of(push.state)) for push in failed],
        "failure_codes": [(word, number, word == code) for word, number in codes],
        "failure_code": code,
        "waiting": waiting_pushes(connection)[:5],
        "held": held[:SHOWN],
        "held_number": held.count(),
        "secret_state": secret_state(connection, at),
        "secret_tone": "warn" if is_secret_old(connection, at) else "good",
        "comparison": comparison,
        "drift": outcome_counts(comparison) if comparison else [],
        "calls_chart": _calls_chart(connection, at),
        **_mapping(connection),
        **_webhooks(request, connection, vendor.webhooks),
    }
    return render(request, "integrations/connections/connection_detail.html", context)


@login_required
@require_POST
def connection_check(request: SignedInRequest, slug: str) -> HttpResponse:
    """Try the connection once."""
    connection = editable_connection(request, slug)
    checked = check_connection(connection_id=connection.pk, at=timezone.now(), seed=secrets.randbits(32))
    (messages.success if checked.is_ok else messages.error)(request, checked.words)
    return redirect(connection)


def _mapping(connection: Connection) -> dict[str, Any]:
    rules = rules_of(connection)
    titles = (("person", "Leads"), ("deal", "Opportunities"), ("account", "Accounts"))
    owners = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER)
    return {
        "mappings": [
            {"kind": kind, "title": title, "rows": rule_words(rules[kind], kind)}  # type: ignore[index]
            for kind, title in titles
            if rules[kind]  # type: ignore[index]
        ],
        "stages": StageMap.objects.filter(connection=connection).select_related("stage").order_by("pipeline", "pk"),
        "owners": list(owners.select_related("owner").order_by("remote_name", "pk")[:50]),
    }


def _webhooks(request: SignedInRequest, connection: Connection, proof: str) -> dict[str, Any]:
    if not proof:
        return {"webhook_proof": ""}
    newest = SyncHint.objects.filter(connection=connection).exclude(event_id__startswith="released ")
    has_secret = connection.webhook_secret if proof == "password" else connection.all_secrets.get("client_secret")
    address = webhook_address(request, connection.webhook_key) if connection.webhook_key else ""
    return {
        "webhook_proof": proof,
        # Whoever has the address could try passwords: it is for those who enter it in the CRM.
        "webhook_address": address if may_edit_connections(request.user) else "",
        "webhook_is_set": bool(address),
        "webhook_has_secret": bool(has_secret),
        "webhook_last": newest.order_by("-received_at").first(),
    }


def _calls_chart(connection: Connection, at: Any) -> Chart | None:
    days = calls_by_day(connection, at)
    if not any(sum(spent.values()) for _, spent in days):
        return None
    return stacked_bars(
        [f"{day.day} {day:%b}" for day, _ in days],
        [("Sending", [spent["out"] for _, spent in days]), ("Reading", [spent["in"] for _, spent in days])],
        title="Calls per day",
        width=620,
    )
