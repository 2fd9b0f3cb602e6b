"""The connections, one of them, and a new one."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.actions.check_connection import check_account
from integrations.actions.edit_connection import add_connection
from integrations.actions.plan_syncs import KIND
from integrations.forms import ConnectionForm, SecretForm, StageMapForm
from integrations.models import Connection, StageMap, SyncRun
from integrations.pure.mapping import DEAL_RULES, PERSON_RULES
from integrations.queries import (
    connection_states,
    count_words,
    duration_words,
    failed_pushes,
    is_secret_old,
    secret_state,
    tone_of,
    waiting_pushes,
)
from integrations.tasks import nudge_back_fill
from leads.models import JobRun, Role, User

RUNS_A_PAGE = 10
SHOWN = 20
_POLICIES = {
    "ours": "What we hold",
    "theirs": "What the CRM holds",
    "newest": "Whoever changed last",
    "fill_empty": "Only fills what is empty",
}


def visible_connection(request: HttpRequest, slug: str) -> Connection:
    """The connection, or 404 for those who have no business with it."""
    return get_object_or_404(Connection.objects.visible_to(cast(User, request.user)), slug=slug)


def editable_connection(request: HttpRequest, slug: str) -> Connection:
    """The connection for an admin, 404 for anybody else."""
    return get_object_or_404(Connection.objects.editable_by(cast(User, request.user)), slug=slug)


def _may_edit(request: HttpRequest) -> bool:
    user = cast(User, request.user)
    return user.is_superuser or user.role == Role.ADMIN


@login_required
@require_GET
def connections(request: HttpRequest) -> HttpResponse:
    """A card for each connection."""
    user = cast(User, request.user)
    if not (user.is_superuser or user.role in {Role.ADMIN, Role.SALES_LEADER}):
        raise Http404
    rows = Connection.objects.visible_to(user).order_by("name")
    states = connection_states(rows, timezone.now())
    return render(request, "integrations/connections.html", {"states": states, "may_edit": _may_edit(request)})


@login_required
@require_http_methods(["GET", "POST"])
def connection_add(request: HttpRequest) -> HttpResponse:
    """A new connection; it is tried before it is kept."""
    if not _may_edit(request):
        raise Http404
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        checked = check_account(kind=given["kind"], base_url=given["base_url"], secret=given["secret"])
        if checked.is_ok:
            connection = add_connection(
                name=given["name"],
                kind=given["kind"],
                base_url=given["base_url"],
                secret=given["secret"],
                at=timezone.now(),
                by=cast(User, request.user),
            )
            nudge_back_fill()
            messages.success(request, f"{checked.words} Every lead goes there with the first sync.")
            return redirect(connection)
        form.add_error(None, checked.words)
    status = 422 if form.is_bound else 200
    return render(request, "integrations/connection_add.html", {"form": form}, status=status)


@login_required
@require_POST
def connection_try(request: HttpRequest) -> HttpResponse:
    """Try what the form holds without keeping it."""
    if not _may_edit(request):
        raise Http404
    form = ConnectionForm(request.POST)
    form.fields["name"].required = False
    checked = None
    if form.is_valid():
        given = form.cleaned_data
        checked = check_account(kind=given["kind"], base_url=given["base_url"], secret=given["secret"])
    if getattr(request, "htmx", False):
        return render(request, "integrations/_check_result.html", {"checked": checked, "form": form})
    return render(request, "integrations/connection_add.html", {"form": form, "checked": checked})


@login_required
@require_GET
def connection_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Health, runs, what waits, what failed, the mapping, and the state of the secret."""
    return detail_page(request, visible_connection(request, slug))


def detail_page(request: HttpRequest, connection: Connection, status: int = 200, **forms: Any) -> HttpResponse:
    """The page of a connection, with the forms as they were sent where one had mistakes."""
    at = timezone.now()
    (state,) = connection_states([connection], at)
    runs = SyncRun.objects.filter(connection=connection).order_by("-started_at", "-pk")
    page = Paginator(runs, RUNS_A_PAGE).get_page(request.GET.get("page"))
    stages = list(StageMap.objects.filter(connection=connection).select_related("stage").order_by("pk"))
    failed = failed_pushes(connection)
    context = {
        "state": state,
        "connection": connection,
        "may_edit": _may_edit(request),
        "job": JobRun.objects.filter(kind=KIND, period__startswith=f"{connection.slug} ").order_by("-pk").first(),
        "page_obj": page,
        "runs": [
            {"run": run, "took": duration_words(run), "counts": count_words(run), "tone": tone_of(run.state)}
            for run in page
        ],
        "failed": [(push, tone_of(push.state)) for push in failed[:SHOWN]],
        "waiting": waiting_pushes(connection)[:5],
        "stages": stages,
        "stage_form": StageMapForm(stages),
        "secret_form": SecretForm(),
        "secret_state": secret_state(connection, at),
        "secret_tone": "warn" if is_secret_old(connection, at) else "good",
        "rules": _rule_rows(),
        **forms,
    }
    return render(request, "integrations/connection_detail.html", context, status=status)


def _rule_rows() -> list[dict[str, str]]:
    return [
        {
            "what": what,
            "local": rule.local.replace("_id", "").replace("_cents", "").replace("_", " "),
            "remote": rule.remote,
            "direction": "to the CRM" if rule.direction == "push" else "from the CRM",
            "policy": _POLICIES[rule.policy],
        }
        for what, rules in (("Lead", PERSON_RULES), ("Opportunity", DEAL_RULES))
        for rule in rules
    ]
