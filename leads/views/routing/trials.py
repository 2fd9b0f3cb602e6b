"""Try rules before they go live: one lead, or the leads of the last 13 weeks; and how fair turns have been."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.routing.simulate_rules import SimulationRefused, request_simulation
from leads.forms.territories import DEFAULT_PERIOD, FairnessForm, TestLeadForm
from leads.models import (
    Assignment,
    Company,
    Lead,
    RoutingSimulation,
    RoutingVersion,
    SimulatedLead,
    Territory,
    TerritoryRule,
    User,
)
from leads.pure.conditions.sentences import sentence
from leads.queries.fairness import Turns, assignments_of, fairness
from leads.queries.reroute import fingerprint
from leads.queries.routing import active_version
from leads.queries.routing_rules import rule_catalog, try_lead, typed_lead
from leads.tasks import nudge_routing
from leads.views.doors import SignedInRequest, sales_desk
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

PAGE_SIZE = 25
SIMULATED = 10
"""Leads of a simulation on a page that tells much else."""
_MOVES = ("Lead", "Company", "From territory", "To territory", "From", "To", "Moves", "Why", "Passed over", "Lead ID")
_TURNS = ("Rep", "Weight", "Turns owed", "Turns taken", "Difference", "By account", "By hand", "Passed over", "Why")
_LOG = ("When", "Lead", "Rule", "Version", "Owner", "Why", "Passed over", "Lead ID")


@login_required
@require_GET
def routing_test(request: SignedInRequest) -> HttpResponse:
    """Which rule and which rep a lead would get, who would be passed over and why; nothing is written."""
    sales_desk(request)
    active, at = active_version(), timezone.now()
    form = TestLeadForm(request.GET or None, initial={"version": active.number if active else None})
    lead, trial = None, None
    if chosen := request.GET.get("lead"):
        rows = Lead.objects.live().select_related("account", "channel", "owner", "territory")
        lead = get_object_or_404(rows, public_id=_uuid(chosen))
    is_whole = form.is_bound and form.is_valid()
    version = (form.cleaned_data["version"] if is_whole else None) or active
    if version is not None and (lead is not None or (is_whole and not form.is_empty)):
        subject = lead or typed_lead(form.values, at)
        trial = try_lead(subject, version, Company.current(), at)
    found = []
    if words := request.GET.get("q", "").strip():
        rows = Lead.objects.live().order_by("-pk")
        for word in words.split()[:5]:
            rows = rows.filter(email__icontains=word) | rows.filter(last_name__icontains=word)
        found = list(rows[:10])
    context = {"form": form, "trial": trial, "lead": lead, "found": found, "words": words, "version": version}
    return render(request, "leads/routing/routing_test.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def routing_simulate(request: SignedInRequest, number: int) -> HttpResponse:
    """Try a version on the leads of the last 13 weeks; a worker does it."""
    user = sales_desk(request)
    version = get_object_or_404(RoutingVersion, number=number)
    try:
        made = request_simulation(version=version, by=user, at=timezone.now())
    except SimulationRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(version)
    nudge_routing()
    return redirect(made)


@login_required
@require_GET
def routing_simulation(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Who would move, load per rep, leads without a rep, overlaps and dead rules."""
    sales_desk(request)
    simulation = _simulation(public_id)
    rows = _moves(request, simulation)
    if made := list_file(request, f"simulation of version {simulation.version.number}", _MOVES, lambda: _lines(rows)):
        return made
    context: dict[str, Any] = {"simulation": simulation, "is_moving": simulation.job.is_unfinished}
    if simulation.result:
        page = Paginator(rows, SIMULATED).get_page(request.GET.get("page"))
        is_current = simulation.fingerprint == fingerprint(simulation.version)
        context |= {"page": page, "is_current": is_current, **_told(simulation)}
        context["is_filtered"] = any(request.GET.get(name) for name in ("from", "to", "all"))
    return render(request, "leads/routing/routing_simulation.html", context)


def _moves(request: SignedInRequest, simulation: RoutingSimulation) -> Any:
    rows = SimulatedLead.objects.filter(simulation=simulation).select_related(
        "lead", "from_territory", "to_territory", "from_owner", "to_owner", "rule"
    )
    if request.GET.get("all") != "1":
        rows = rows.filter(moves=True)
    for name, column in (("from", "from_owner"), ("to", "to_owner")):
        if (value := request.GET.get(name, "")).isdecimal():
            rows = rows.filter(**{f"{column}__isnull": True} if value == "0" else {f"{column}_id": int(value)})
    return rows.order_by("pk")


def _told(simulation: RoutingSimulation) -> dict[str, Any]:
    """The stored counts with names for ids."""
    result = simulation.result
    people = dict(User.objects.values_list("pk", "name"))
    places = dict(Territory.objects.values_list("pk", "name"))
    catalog = rule_catalog()
    rules = {
        rule.pk: rule for rule in TerritoryRule.objects.filter(version=simulation.version).select_related("territory")
    }
    numbers = {pk: rule.position for pk, rule in rules.items()}
    expected = {rep: (before, after) for rep, before, after in result["expected"]}
    return {
        "result": result,
        "owner_moves": [
            (before, after, people.get(before, "nobody"), people.get(after, "nobody yet"), count)
            for before, after, count in result["owners"]
        ],
        "territory_moves": [
            (places.get(before, "no territory"), places.get(after, "no territory"), count)
            for before, after, count in result["territories"]
            if before != after
        ],
        "load": [
            (people.get(rep, "Nobody"), before, after, after - before, *expected.get(rep, (None, None)))
            for rep, before, after in result["load"]
        ],
        "rules": [
            {
                "rule": rules[row["rule"]],
                "sentence": sentence(rules[row["rule"]].group, catalog),
                "decided": row["decided"],
                "met": row["met"],
                "is_dead": not row["met"],
                "is_shadowed": bool(row["met"]) and not row["decided"],
                "overlaps": ", ".join(
                    f"rule {numbers[earlier]} ({count:,})" for earlier, count in row["taken_by"] if earlier in numbers
                ),
            }
            for row in result["rules"]
            if row["rule"] in rules
        ],
    }


def _lines(rows: Any) -> Iterator[tuple[Any, ...]]:
    for row in rows.iterator(chunk_size=2_000):
        lead = row.lead
        passed = "; ".join(f"{entry['rep']}: {entry['why']}" for entry in row.passed_over)
        where = (row.from_territory, row.to_territory, row.from_owner, row.to_owner, row.moves)
        yield (lead.display_name, lead.company, *where, row.because, passed, str(lead.public_id))


@login_required
@require_GET
def routing_simulation_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """How far a simulation is: the fragment that the page asks for each second."""
    sales_desk(request)
    simulation = _simulation(public_id)
    context = {"simulation": simulation}
    is_moving = simulation.job.is_unfinished
    return progress_answer(request, "leads/routing/_simulation_progress.html", context, is_moving=is_moving)


def _simulation(public_id: UUID) -> RoutingSimulation:
    rows = RoutingSimulation.objects.select_related("version", "job", "created_by")
    return get_object_or_404(rows, public_id=public_id)


@login_required
@require_GET
def routing_fairness(request: SignedInRequest) -> HttpResponse:
    """Turns owed and taken per rep of a territory, who was passed over, and the assignments behind each number."""
    sales_desk(request)
    form = FairnessForm(request.GET or None)
    is_whole = not form.is_bound or form.is_valid()
    chosen = form.cleaned_data.get("territory") if form.is_bound and is_whole else None
    territory = chosen or Territory.objects.order_by("is_catch_all", "name").first()
    if territory is None or not is_whole:
        return render(request, "leads/routing/routing_fairness.html", {"form": form}, status=422)
    until = timezone.now()
    since = until - (form.period if form.is_bound else DEFAULT_PERIOD)
    if rep := request.GET.get("rep"):
        return _log(request, territory, since, until, get_object_or_404(User, public_id=_uuid(rep)))
    found = fairness(territory, since, until)
    if made := list_file(request, f"turns in {territory}", _TURNS, lambda: map(_turn, found.rows)):
        return made
    context = {"form": form, "territory": territory, "found": found, "since": since, "until": until}
    return render(request, "leads/routing/routing_fairness.html", context)


def _turn(row: Turns) -> tuple[Any, ...]:
    counts = (row.owed, row.taken, row.difference, row.by_account, row.by_hand, row.times_passed_over)
    return (row.rep, row.weight, *counts, row.reasons)


def _log(request: SignedInRequest, territory: Territory, since: Any, until: Any, rep: User) -> HttpResponse:
    """The assignments behind a rep's row: those they got, or those in which they were passed over."""
    rows = assignments_of(territory, since, until).select_related("lead", "owner", "rule", "version").order_by("-pk")
    is_passed = request.GET.get("kind") == "passed"
    if is_passed:
        name = str(rep)
        # A list in JSON is asked alike on both databases only in Python.
        ids = [pk for pk, entries in rows.values_list("pk", "passed_over") if any(e["rep"] == name for e in entries)]
        rows = Assignment.objects.filter(pk__in=ids[:2_000]).select_related("lead", "owner", "rule", "version")
        rows = rows.order_by("-pk")
    else:
        rows = rows.filter(owner=rep)
    if made := list_file(request, f"assignments of {rep}", _LOG, lambda: map(_logged, rows)):
        return made
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"territory": territory, "rep": rep, "page": page, "is_passed": is_passed, "since": since, "until": until}
    return render(request, "leads/routing/routing_turns.html", context)


def _logged(row: Assignment) -> tuple[Any, ...]:
    passed = "; ".join(f"{entry['rep']}: {entry['why']}" for entry in row.passed_over)
    rule = f"Rule {row.rule.position}" if row.rule else ""
    what = (row.version, row.owner, row.because, passed, str(row.lead.public_id))
    return (row.assigned_at, row.lead.display_name, rule, *what)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
