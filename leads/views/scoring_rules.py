"""The rules of a draft: build one of conditions and points, switch, move and remove it; thresholds, caps, half-life."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.scoring.edit_draft import RuleValues, move_rule, remove_rule, save_limits, save_rule, switch_rule
from leads.forms.conditions import ConditionBuilder
from leads.forms.scoring import AS_VERSION, NEVER, OWN, LimitsForm, RuleForm
from leads.models import ScoringRule, ScoringRuleSet
from leads.pure.conditions.grammar import Group, from_json
from leads.pure.conditions.properties import Catalog, Kind
from leads.pure.refused import Refused
from leads.queries.scoring import may_change_scoring, scoring_catalog
from leads.views.doors import SignedInRequest, allowed

SIDES = {"fit": "fit", "behavior": "behaviour"}


def _draft(request: SignedInRequest, version: int) -> ScoringRuleSet:
    allowed(request, may_change_scoring, "Admins change scoring rules.")
    row = get_object_or_404(ScoringRuleSet, version=version)
    if not row.is_editable:
        raise Http404(f"Version {version} is {row.state}: copy it to a draft to change it.")
    return row


def _rule(row: ScoringRuleSet, rule_id: int) -> ScoringRule:
    return get_object_or_404(ScoringRule, pk=rule_id, rule_set=row)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scoring_limits(request: SignedInRequest, version: int) -> HttpResponse:
    """Thresholds, caps and half-life of a draft."""
    row = _draft(request, version)
    form = LimitsForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save_limits(rule_set_id=row.pk, **{name: form.cleaned_data[name] for name in form.Meta.fields})
        messages.success(request, "Saved.")
        return redirect("leads:scoring-version", version)
    status = 422 if form.errors else 200
    return render(request, "leads/scoring/scoring_limits.html", {"row": row, "form": form}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scoring_rule_add(request: SignedInRequest, version: int, side: str) -> HttpResponse:
    """A rule more, about fit or about behavior."""
    if side not in SIDES:
        raise Http404("Rules are about fit or about behavior.")
    return _edit(request, _draft(request, version), None, SIDES[side])


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def scoring_rule(request: SignedInRequest, version: int, rule_id: int) -> HttpResponse:
    """One rule of a draft."""
    row = _draft(request, version)
    rule = _rule(row, rule_id)
    return _edit(request, row, rule, rule.group)


def _edit(request: SignedInRequest, row: ScoringRuleSet, rule: ScoringRule | None, side: str) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    builder = ConditionBuilder(_catalog(side), data=data, group=_conditions(rule))
    if data is not None and builder.is_edited:  # a button of the builder: what was typed stays, nothing is judged yet
        form = RuleForm(initial=data.dict(), side=side)
    else:
        form = RuleForm(data, initial=_initial(rule), side=side)
    if data is not None and not builder.is_edited:
        is_whole = builder.is_valid()
        if form.is_valid() and is_whole:
            try:
                saved = save_rule(
                    rule_set_id=row.pk, rule_id=rule.pk if rule else None, values=_values(form, builder, side)
                )
            except Refused as refused:
                builder.error = str(refused)
            else:
                messages.success(request, f"Rule “{saved.name}” is saved.")
                return redirect("leads:scoring-version", row.version)
    context: dict[str, Any] = {"row": row, "rule": rule, "side": side, "form": form, "builder": builder}
    is_refused = data is not None and not builder.is_edited
    return render(request, "leads/scoring/scoring_rule.html", context, status=422 if is_refused else 200)


def _catalog(side: str) -> Catalog:
    whole = scoring_catalog()
    if side == "behaviour":
        # Activity first: each of these rules counts one.
        others = whole.of_kinds(*(kind for kind in Kind if kind != Kind.EVENT))
        return Catalog([*whole.of_kinds(Kind.EVENT).values(), *others.values()])
    return whole.of_kinds(*(kind for kind in Kind if kind != Kind.EVENT))


def _conditions(rule: ScoringRule | None) -> Group | None:
    if rule is None:
        return None
    try:
        return from_json(rule.conditions)
    except Refused:
        return None


def _initial(rule: ScoringRule | None) -> dict[str, Any]:
    if rule is None:
        return {}
    own = rule.half_life_days
    return {
        "name": rule.name,
        "points": rule.points,
        "max_times": rule.max_times,
        "decay": AS_VERSION if own is None else OWN if own else NEVER,
        "half_life_days": own or None,
        "is_enabled": rule.is_enabled,
    }


def _values(form: RuleForm, builder: ConditionBuilder, side: str) -> RuleValues:
    given = form.cleaned_data
    return RuleValues(
        name=given["name"],
        side=side,
        when=builder.group,
        points=given["points"],
        max_times=given.get("max_times", 1),
        half_life_days=form.half_life,
        is_enabled=given["is_enabled"],
    )


@login_required
@require_POST
def scoring_rule_remove(request: SignedInRequest, version: int, rule_id: int) -> HttpResponse:
    """Take a rule out of a draft."""
    row = _draft(request, version)
    rule = _rule(row, rule_id)
    remove_rule(rule_set_id=row.pk, rule_id=rule.pk)
    messages.success(request, f"Rule “{rule.name}” is removed.")
    return redirect("leads:scoring-version", version)


@login_required
@require_POST
def scoring_rule_move(request: SignedInRequest, version: int, rule_id: int) -> HttpResponse:
    """One place up or down among the rules of its group."""
    row = _draft(request, version)
    move_rule(rule_set_id=row.pk, rule_id=_rule(row, rule_id).pk, is_up=request.POST.get("to") == "up")
    return redirect("leads:scoring-version", version)


@login_required
@require_POST
def scoring_rule_switch(request: SignedInRequest, version: int, rule_id: int) -> HttpResponse:
    """Enable or disable a rule of a draft."""
    row = _draft(request, version)
    rule = _rule(row, rule_id)
    switch_rule(rule_set_id=row.pk, rule_id=rule.pk, is_enabled=not rule.is_enabled)
    return redirect("leads:scoring-version", version)
