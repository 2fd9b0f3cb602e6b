"""Scoring rules: versions, what each says, what it would change, and who made it when and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.scoring.back_test import rules_digest
from leads.actions.scoring.rescore_leads import KIND, retry_rescore
from leads.actions.scoring.version_scoring import (
    activate_rule_set,
    cancel_schedule,
    copy_rule_set,
    discard_draft,
    roll_back,
    schedule_rule_set,
)
from leads.filters.search import LeadFilter
from leads.forms.scoring import ActivateForm, BackTestForm, TryForm, WhyForm
from leads.models import BackTest, Company, JobRun, Lead, ScoringRuleSet, User
from leads.pure.conditions.properties import Catalog
from leads.pure.refused import Refused
from leads.pure.scoring.difference import differences
from leads.pure.scoring.score import Scorer
from leads.queries.scoring import (
    active_rule_set,
    listed_rules,
    may_change_scoring,
    may_read_scoring,
    rule_set_of,
    scoring_catalog,
    scoring_facts,
    with_limits,
)
from leads.tasks import nudge_scores
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

FOUND = 5
State = ScoringRuleSet.State
_HEADER = (
    "Version",
    "State",
    "Note",
    "Activated",
    "By",
    "Why",
    "Fit threshold",
    "Behavior threshold",
    "Half-life, days",
)


def reader(request: SignedInRequest) -> User:
    """A person who may look."""
    return allowed(request, may_read_scoring, "Scoring is for admins, marketing directors and sales leaders.")


def writer(request: SignedInRequest) -> User:
    """A person who may change rules."""
    return allowed(request, may_change_scoring, "Admins change scoring rules.")


def version_of(version: int) -> ScoringRuleSet:
    """A version by its number, or not found."""
    rows = ScoringRuleSet.objects.select_related("based_on", "created_by", "activated_by")
    return get_object_or_404(rows, version=version)


@login_required
@require_GET
def scoring(request: SignedInRequest) -> HttpResponse:
    """Every version, newest first, with what is active, what is scheduled and how far rescoring is."""
    user = reader(request)
    rows = ScoringRuleSet.objects.select_related("activated_by", "based_on").order_by("-version")
    cells = (
        (row.version, row.get_state_display(), row.note, row.activated_at, row.activated_by, row.why,
         row.fit_threshold, row.behaviour_threshold, row.half_life_days)
        for row in rows
    )  # fmt: skip
    if made := list_file(request, "scoring versions", _HEADER, lambda: cells):
        return made
    job = JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    context: dict[str, Any] = {
        "versions": rows,
        "active": next((row for row in rows if row.state == State.ACTIVE), None),
        "scheduled": next((row for row in rows if row.state == State.SCHEDULED), None),
        "job": job,
        "is_moving": job is not None and job.is_unfinished,
        "may_change": may_change_scoring(user),
    }
    return render(request, "leads/scoring/scoring.html", context)


@login_required
@require_GET
def scoring_version(request: SignedInRequest, version: int) -> HttpResponse:
    """One version: its rules in sentences, what differs from the active one, and what can be done with it."""
    user = reader(request)
    return _page(request, version_of(version), user)


def _page(
    request: SignedInRequest, row: ScoringRuleSet, user: User, *, status: int = 200, **forms: Any
) -> HttpResponse:
    catalog, active = scoring_catalog(), active_rule_set()
    rules = listed_rules(row, catalog)
    at = timezone.now()
    tz = Company.current().tz
    test = BackTest.objects.filter(rule_set=row).select_related("job", "compared_with").order_by("-pk").first()
    others = list(ScoringRuleSet.objects.exclude(pk=row.pk).order_by("-version"))
    usual = row.based_on if row.state != State.DRAFT else active
    other = next((each for each in others if str(each.version) == request.GET.get("compare")), usual)
    context: dict[str, Any] = {
        "row": row,
        "fit_rules": [rule for rule in rules if rule.row.group == "fit"],
        "behaviour_rules": [rule for rule in rules if rule.row.group != "fit"],
        "compared": other,
        "others": others,
        "differences": _differences(row, other, catalog) if other and other != row else [],
        "may_change": may_change_scoring(user),
        "may_edit": may_change_scoring(user) and row.is_editable,
        "activate_form": ActivateForm(),
        "why_form": WhyForm(),
        "back_test_form": BackTestForm(initial=BackTestForm.proposed(at.astimezone(tz).date())),
        "test": test,
        "is_test_moving": test is not None and test.job.is_unfinished,
        "is_test_old": test is not None and test.digest != rules_digest(rule_set=row),
        **_tried(request, row, active, user),
        **forms,
    }
    return render(request, "leads/scoring/scoring_version.html", context, status=status)


def _differences(row: ScoringRuleSet, other: ScoringRuleSet, catalog: Catalog) -> list[str]:
    def parts(each: ScoringRuleSet) -> tuple[Any, Any]:
        return with_limits(each, ()), [rule.listed for rule in listed_rules(each, catalog) if rule.listed]

    before, old = parts(other)
    after, new = parts(row)
    return differences(before, after, old, new, catalog)


def _tried(request: SignedInRequest, row: ScoringRuleSet, active: ScoringRuleSet | None, user: User) -> dict[str, Any]:
    """The lead that somebody wants to try the version on: its score under it and under the active one."""
    form = TryForm(request.GET if "lead" in request.GET else None)
    if not form.is_bound or not form.is_valid():
        return {"try_form": form}
    visible = Lead.objects.visible_to(user).select_related("account", "channel")
    words = form.cleaned_data["lead"]
    exact = visible.filter(public_id=words) if _is_uuid(words) else visible.filter(email__iexact=words)
    found = list(exact) or list(LeadFilter({"q": words}, queryset=visible, request=request).qs.order_by("-pk")[:FOUND])
    if len(found) != 1:
        return {"try_form": form, "found": found, "is_nobody": not found}
    (lead,) = found
    tz = Company.current().tz
    on = timezone.now().astimezone(tz).date()
    scorers = [Scorer(rule_set_of(each)) for each in (row, active) if each]
    scores = [scorer(scoring_facts([lead], scorer.rule_set, tz)[lead.pk], on) for scorer in scorers]
    return {"try_form": form, "lead": lead, "tried": scores[0], "now": scores[-1], "is_active": row == active}


def _is_uuid(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True


@login_required
@require_GET
def scoring_progress(request: SignedInRequest) -> HttpResponse:
    """How far the rescoring is: the fragment that the page asks for each second."""
    reader(request)
    job = JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    if job is None:
        raise Http404("Nothing is being scored.")
    return progress_answer(request, "leads/scoring/_progress.html", {"job": job}, is_moving=job.is_unfinished)


@login_required
@require_POST
def scoring_retry(request: SignedInRequest) -> HttpResponse:
    """Score every lead by the active rules again, where that failed."""
    writer(request)
    if retry_rescore():
        nudge_scores()
    else:
        messages.info(request, "Nothing failed.")
    return redirect("leads:scoring")


@login_required
@require_POST
def scoring_copy(request: SignedInRequest, version: int) -> HttpResponse:
    """A draft that starts from this version."""
    user, row = writer(request), version_of(version)
    draft = copy_rule_set(rule_set_id=row.pk, by=user, at=timezone.now())
    messages.success(request, f"Version {draft.version} is a draft that starts from version {row.version}.")
    return redirect(draft)


@login_required
@require_POST
def scoring_activate(request: SignedInRequest, version: int) -> HttpResponse:
    """Put a draft in force, now or at a moment."""
    user, row = writer(request), version_of(version)
    form = ActivateForm(request.POST)
    if not form.is_valid():
        return _page(request, row, user, status=422, activate_form=form)
    at, moment, why = timezone.now(), form.cleaned_data["activates_at"], form.cleaned_data["why"]
    try:
        if moment is not None:
            schedule_rule_set(rule_set_id=row.pk, activates_at=moment, by=user, at=at, why=why)
            there = moment.astimezone(Company.current().tz)
            messages.success(request, f"Version {row.version} takes effect {there:%-d %b %Y, %H:%M}.")
        else:
            activate_rule_set(rule_set_id=row.pk, at=at, by=user, why=why)
            nudge_scores()
            messages.success(request, f"Version {row.version} is active. Every lead is being scored by it.")
    except Refused as refused:
        form.add_error(None, str(refused))
        return _page(request, row, user, status=422, activate_form=form)
    return redirect("leads:scoring" if moment is None else row)


@login_required
@require_POST
def scoring_cancel(request: SignedInRequest, version: int) -> HttpResponse:
    """Make a scheduled version a draft again."""
    writer(request)
    row = version_of(version)
    try:
        cancel_schedule(rule_set_id=row.pk)
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"Version {row.version} is a draft again.")
    return redirect(row)


@login_required
@require_POST
def scoring_roll_back(request: SignedInRequest, version: int) -> HttpResponse:
    """Put the rules of an earlier version in force again."""
    user, row = writer(request), version_of(version)
    form = WhyForm(request.POST)
    if not form.is_valid():
        return _page(request, row, user, status=422, why_form=form)
    try:
        again = roll_back(rule_set_id=row.pk, by=user, at=timezone.now(), why=form.cleaned_data["why"])
    except Refused as refused:
        form.add_error(None, str(refused))
        return _page(request, row, user, status=422, why_form=form)
    nudge_scores()
    messages.success(request, f"Version {again.version} is active: the rules of version {row.version} again.")
    return redirect("leads:scoring")


@login_required
@require_POST
def scoring_discard(request: SignedInRequest, version: int) -> HttpResponse:
    """Delete a draft."""
    writer(request)
    row = version_of(version)
    try:
        discard_draft(rule_set_id=row.pk)
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect(row)
    messages.success(request, f"The draft of version {row.version} is deleted.")
    return redirect("leads:scoring")
