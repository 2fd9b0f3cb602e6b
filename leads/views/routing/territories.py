"""Territory rules: the version in force with what its rules do, drafts and their changes, activation, roll-back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.routing.edit_rules import move_rule, remove_rule, save_rule
from leads.actions.routing.version_rules import (
    cancel_schedule,
    copy_version,
    remove_draft,
    roll_back,
    schedule_version,
)
from leads.forms.conditions import ConditionBuilder
from leads.forms.territories import ActivateForm, RollBackForm, RuleForm
from leads.models import Company, JobRun, RoutingVersion, Territory, TerritoryRule
from leads.pure.refused import Refused
from leads.queries.reps import reps_of
from leads.queries.reroute import fingerprint
from leads.queries.routing_rules import Line, Listing, differences, listing, rule_catalog, versions
from leads.tasks import nudge_routing
from leads.views.doors import SignedInRequest, sales_desk, telling
from leads.views.list_file import list_file

_HEADER = ("Position", "Rule", "Territory", "On", "Decided in 90 days", "Met in 90 days", "Overlaps", "Last hit")
_Version = RoutingVersion.State


@login_required
@require_GET
def territories(request: SignedInRequest) -> HttpResponse:
    """The rules in force, each with what it does, the reps, and the versions."""
    sales_desk(request)
    version = get_object_or_404(RoutingVersion, state=_Version.ACTIVE)
    company, at = Company.current(), timezone.now()
    found = listing(version, company, at)
    if made := list_file(request, "territory rules", _HEADER, lambda: map(_cells, found.lines)):
        return made
    known = versions()
    context = {
        "version": version,
        "found": found,
        "versions": known,
        "drafts": [each for each in known if each.state in (_Version.DRAFT, _Version.SCHEDULED)],
        "reps": reps_of(company, at),
        "territories": Territory.objects.order_by("is_catch_all", "name"),
        "catch_all": Territory.objects.filter(is_catch_all=True).first(),
        "job": JobRun.objects.filter(kind="reroute").order_by("-pk").first(),
    }
    return render(request, "leads/routing/territories.html", context)


def _cells(line: Line) -> tuple[Any, ...]:
    rule = line.rule
    counts = (line.decided, line.met, line.overlaps, line.last_hit)
    return (rule.position, line.sentence, rule.territory, rule.is_active, *counts)


@login_required
@require_GET
def territory_version(request: SignedInRequest, number: int) -> HttpResponse:
    """A version: its rules, what it changes, its simulations; a draft can be changed and activated."""
    sales_desk(request)
    return _version(request, _of(number))


def _version(request: SignedInRequest, version: RoutingVersion, **forms: Any) -> HttpResponse:
    at, company = timezone.now(), Company.current()
    active = RoutingVersion.objects.filter(state=_Version.ACTIVE).first()
    other = version.based_on if version.state in (_Version.ACTIVE, _Version.RETIRED) else active
    found: Listing = listing(version, company, at, counts=version.is_draft)
    simulations = list(version.simulations.select_related("job", "created_by").order_by("-pk")[:5])
    now = fingerprint(version)
    context = {
        "version": version,
        "found": found,
        "compared": other if other != version else None,
        "differences": differences(other, version, rule_catalog()) if other and other != version else [],
        "simulations": [(each, each.fingerprint == now) for each in simulations],
        "catch_all": Territory.objects.filter(is_catch_all=True).first(),
        "activate_form": ActivateForm(),
        "roll_back_form": RollBackForm(),
        **forms,
    }
    bad = any(form.errors for form in forms.values())
    return render(request, "leads/routing/territory_version.html", context, status=422 if bad else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def territory_rule_add(request: SignedInRequest, number: int) -> HttpResponse:
    """A new rule of a draft."""
    sales_desk(request)
    return _rule(request, _draft(number), None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def territory_rule(request: SignedInRequest, number: int, rule_id: int) -> HttpResponse:
    """A rule of a draft: its conditions, where it leads, or take it out."""
    sales_desk(request)
    version = _draft(number)
    return _rule(request, version, get_object_or_404(TerritoryRule, pk=rule_id, version=version))


def _rule(request: SignedInRequest, version: RoutingVersion, rule: TerritoryRule | None) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    initial = {"territory": rule.territory_id, "name": rule.name, "is_active": rule.is_active} if rule else None
    form = RuleForm(posted, initial=initial)
    builder = ConditionBuilder(rule_catalog(), data=posted, group=rule.group if rule else None)
    is_removal = posted is not None and posted.get("do") == "remove" and rule is not None
    if posted is not None and not builder.is_edited:
        try:
            if is_removal and rule is not None:
                remove_rule(number=version.number, rule_id=rule.pk)
                messages.success(request, f"Rule {rule.position} removed.")
                return redirect(version)
            if builder.is_valid() & form.is_valid():
                save_rule(
                    number=version.number,
                    conditions=builder.group,
                    rule_id=rule.pk if rule else None,
                    **form.cleaned_data,
                )
                messages.success(request, "Rule saved.")
                return redirect(version)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {"version": version, "rule": rule, "form": form, "builder": builder}
    is_refused = posted is not None and not builder.is_edited
    return render(request, "leads/routing/territory_rule.html", context, status=422 if is_refused else 200)


@login_required
@require_POST
def territory_rule_move(request: SignedInRequest, number: int, rule_id: int) -> HttpResponse:
    """Try a rule of a draft earlier, later, or at a place."""
    sales_desk(request)
    version = _of(number)
    rule = get_object_or_404(TerritoryRule, pk=rule_id, version=version)
    to = request.POST.get("to", "")
    place = {"up": rule.position - 1, "down": rule.position + 1}.get(to, int(to) if to.isdecimal() else rule.position)
    return _done(request, version, lambda: move_rule(number=number, rule_id=rule_id, place=place), "")


@login_required
@require_POST
def territory_version_copy(request: SignedInRequest, number: int) -> HttpResponse:
    """A draft with the rules of a version."""
    user = sales_desk(request)
    draft = copy_version(number=_of(number).number, by=user, at=timezone.now())
    messages.success(request, f"{draft} is a draft with the rules of version {number}.")
    return redirect(draft)


@login_required
@require_POST
def territory_version_activate(request: SignedInRequest, number: int) -> HttpResponse:
    """Activate a draft now or at a moment to come."""
    user, version, at = sales_desk(request), _of(number), timezone.now()
    form = ActivateForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        moment = given["activates_at"] or at
        try:
            version = schedule_version(
                number=number,
                activates_at=moment,
                note=given["note"],
                moves_leads=given["moves_leads"],
                by=user,
                at=at,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            if version.state == _Version.ACTIVE:
                nudge_routing()
                messages.success(request, f"{version} is active.")
                return redirect("leads:territories")
            messages.success(request, f"{version} is scheduled.")
            return redirect(version)
    return _version(request, version, activate_form=form)


@login_required
@require_POST
def territory_version_cancel(request: SignedInRequest, number: int) -> HttpResponse:
    """A scheduled version is a draft again."""
    sales_desk(request)
    return _done(request, _of(number), lambda: cancel_schedule(number=number), "It is a draft again.")


@login_required
@require_POST
def territory_version_roll_back(request: SignedInRequest, number: int) -> HttpResponse:
    """The rules of an earlier version, in force again as a new version."""
    user, version = sales_desk(request), _of(number)
    form = RollBackForm(request.POST)
    if form.is_valid():
        try:
            made = roll_back(number=number, note=form.cleaned_data["note"], by=user, at=timezone.now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{made} is active with the rules of version {number}.")
            return redirect("leads:territories")
    return _version(request, version, roll_back_form=form)


@login_required
@require_POST
def territory_version_remove(request: SignedInRequest, number: int) -> HttpResponse:
    """Throw a draft away."""
    sales_desk(request)
    version = _of(number)
    try:
        remove_draft(number=number)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(version)
    messages.success(request, f"{version} is thrown away.")
    return redirect("leads:territories")


def _done(request: SignedInRequest, version: RoutingVersion, change: Callable[[], object], said: str) -> HttpResponse:
    with telling(request):
        change()
        if said:
            messages.success(request, said)
    return redirect(version)


def _of(number: int) -> RoutingVersion:
    rows = RoutingVersion.objects.select_related("created_by", "activated_by", "based_on")
    return get_object_or_404(rows, number=number)


def _draft(number: int) -> RoutingVersion:
    return get_object_or_404(RoutingVersion, number=number, state=_Version.DRAFT)
