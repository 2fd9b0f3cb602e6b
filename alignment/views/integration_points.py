"""Integration points: six promises, their criteria, evidence and sign-offs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alignment.actions.points.add_evidence import add_evidence
from alignment.actions.points.measure_point import measure_point
from alignment.actions.points.plan_criteria import plan_criterion, plan_point
from alignment.actions.points.set_aside import reopen, set_aside
from alignment.actions.points.sign_off import SignOffRefused, sign_off
from alignment.actions.points.withdraw_sign_off import withdraw_sign_off
from alignment.forms.points import EvidenceForm, PlanForm, ReasonForm, SignOffForm
from alignment.models import AcceptanceCriterion, CriterionEvent, Evidence, IntegrationPoint, SignOff
from alignment.queries.points import may_add_evidence, may_plan, may_sign_off
from leads.models import Company, User
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.refused import Refused
from leads.pure.week import local_date
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.past import asked_as_of

State = AcceptanceCriterion.State
TONES = {State.SIGNED_OFF: "good", State.READY: "accent", State.FLAGGED: "warn"}
ICONS = {
    State.SIGNED_OFF: "check-circle",
    State.READY: "pencil",
    State.FLAGGED: "flag",
    State.NOT_APPLICABLE: "x-circle",
    State.NOT_READY: "hourglass-split",
}
_HEADER = ("Code", "Integration point", "Criterion", "Text", "State", "Owner", "Due")
CRITERIA = Prefetch("criteria", AcceptanceCriterion.objects.select_related("owner").order_by("position"))


@login_required
@require_GET
@asked_as_of
def integration_points(request: SignedInRequest) -> HttpResponse:
    """Six cards in two groups; ``mine`` keeps those the person looks after."""
    user = request.user
    is_mine = request.GET.get("mine") == "1"
    points = IntegrationPoint.objects.select_related("owner").prefetch_related(CRITERIA).order_by("position")
    if is_mine:
        points = points.filter(Q(owner=user) | Q(criteria__owner=user)).distinct()
    if made := list_file(request, "integration points", _HEADER, lambda: _lines(points)):
        return made
    cards = [_card(point, _today()) for point in points]
    groups = [(name, list(found)) for name, found in groupby(cards, key=lambda card: card["point"].group)]
    done = sum(card["done"] for card in cards)
    total = sum(card["total"] for card in cards)
    context = {"groups": groups, "is_mine": is_mine, "done": done, "total": total}
    return render(request, "alignment/points/integration_points.html", context)


def _lines(points: QuerySet[IntegrationPoint]) -> Iterator[tuple[Any, ...]]:
    for point in points:
        for each in point.criteria.all():
            owner, due = each.owner or point.owner, each.due_on or point.due_on
            yield (point.code, point.title, each.position, each.text, each.get_state_display(), owner, due)


@login_required
@require_GET
@asked_as_of
def integration_point(request: SignedInRequest, code: str) -> HttpResponse:
    """One point: protocol, frameworks, live figures, four criteria."""
    user = request.user
    point = _point(code)
    return render(
        request,
        "alignment/points/integration_point.html",
        {
            **_card(point, _today()),
            **_rights(user),
            "measurements": measure_point(point=point, at=deemed_now(), user=user),
            "criteria": [_criterion(criterion) for criterion in _criteria(point)],
            "plan_form": PlanForm(initial={"owner": point.owner_id, "due_on": point.due_on}, prefix="point"),
        },
    )


@login_required
@require_GET
@asked_as_of
def integration_point_certificate(request: SignedInRequest, code: str) -> HttpResponse:
    """A page to print: who signed what, when, on which evidence."""
    point = _point(code)
    context = {**_card(point, _today()), "criteria": [_criterion(criterion) for criterion in _criteria(point)]}
    return render(request, "alignment/points/integration_certificate.html", {**context, "printed_at": timezone.now()})


@login_required
@require_POST
def criterion_evidence(request: SignedInRequest, code: str, position: int) -> HttpResponse:
    """Add evidence to a criterion."""
    why = "Marketing directors, sales leaders and admins add evidence."
    criterion, user = _of(code, position), allowed(request, may_add_evidence, why)
    form = EvidenceForm(request.POST)
    return _done(
        request,
        criterion,
        form,
        lambda given: add_evidence(
            criterion=criterion, note=given["note"], url=given["url"], by=user, at=timezone.now()
        ),
        "The evidence is kept.",
    )


@login_required
@require_POST
def criterion_sign_off(request: SignedInRequest, code: str, position: int) -> HttpResponse:
    """Sign a criterion off."""
    criterion, user = _of(code, position), _signer(request)
    form = SignOffForm(request.POST)
    return _done(
        request,
        criterion,
        form,
        lambda given: sign_off(
            criterion=criterion, by=user, at=timezone.now(), note=given["note"], version=given["version"]
        ),
        "Signed off. The evidence is frozen with your name.",
    )


@login_required
@require_POST
def criterion_withdraw(request: SignedInRequest, code: str, position: int) -> HttpResponse:
    """Withdraw the standing sign-off."""
    criterion, user = _of(code, position), _signer(request)

    def withdraw(given: dict[str, Any]) -> None:
        standing = criterion.sign_offs.filter(withdrawn_at__isnull=True).first()
        if standing is None:
            raise SignOffRefused("There is no sign-off to withdraw.")
        withdraw_sign_off(sign_off=standing, by=user, reason=given["reason"], at=timezone.now())

    return _done(
        request, criterion, ReasonForm(request.POST), withdraw, "The sign-off is withdrawn and stays on record."
    )


@login_required
@require_POST
def criterion_set_aside(request: SignedInRequest, code: str, position: int) -> HttpResponse:
    """Mark a criterion not applicable, or take it up again."""
    why = "Only sales leaders and admins set criteria aside and take them up again."
    criterion, user = _of(code, position), allowed(request, may_sign_off, why)
    action = reopen if request.POST.get("reopen") else set_aside
    return _done(
        request,
        criterion,
        ReasonForm(request.POST),
        lambda given: action(criterion=criterion, by=user, reason=given["reason"], at=timezone.now()),
        "The criterion is open again." if action is reopen else "The criterion is set aside.",
    )


@login_required
@require_POST
def criterion_plan(request: SignedInRequest, code: str, position: int) -> HttpResponse:
    """Set a criterion's owner and due date."""
    criterion, user = _of(code, position), _planner(request, "criteria")
    return _done(
        request,
        criterion,
        PlanForm(request.POST),
        lambda given: plan_criterion(
            criterion=criterion, owner=given["owner"], due_on=given["due_on"], by=user, at=timezone.now()
        ),
        "Planned.",
    )


@login_required
@require_POST
def integration_point_plan(request: SignedInRequest, code: str) -> HttpResponse:
    """Set a point's owner and due date."""
    point, user = _point(code), _planner(request, "integration points")
    form = PlanForm(request.POST, prefix="point")
    if form.is_valid():
        plan_point(point=point, owner=form.cleaned_data["owner"], due_on=form.cleaned_data["due_on"], by=user)
        messages.success(request, "Planned.")
    else:
        messages.error(request, _said(form))
    return redirect(point)


# --- behind the pages ------------------------------------------------------------------------------------------------


def _signer(request: SignedInRequest) -> User:
    return allowed(request, may_sign_off, "Only sales leaders and admins sign criteria off and withdraw sign-offs.")


def _planner(request: SignedInRequest, what: str) -> User:
    return allowed(request, may_plan, f"Only sales leaders and admins plan {what}.")


def _done(
    request: SignedInRequest,
    criterion: AcceptanceCriterion,
    form: Any,
    action: Callable[[dict[str, Any]], object],
    success: str,
) -> HttpResponse:
    """Run an action with a form's data; answer with the criterion's fragment, or go back to the page without htmx."""
    refusal = "" if form.is_valid() else _said(form)
    if not refusal:
        try:
            action(form.cleaned_data)
        except Refused as refused:
            refusal = str(refused)
    if request.htmx:
        fresh = _criterion(_criteria(criterion.point).get(pk=criterion.pk))
        context = {
            "point": criterion.point,
            "item": fresh,
            "refusal": refusal,
            "success": "" if refusal else success,
            **_rights(request.user),
        }
        return render(request, "alignment/points/_criterion.html", context, status=422 if refusal else 200)
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, success)
    return redirect(f"{criterion.point.get_absolute_url()}#criterion-{criterion.position}")


def _said(form: Any) -> str:
    return " ".join(
        f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: {error}" if name in form.fields else error
        for name, errors in form.errors.items()
        for error in errors
    )


def _point(code: str) -> IntegrationPoint:
    return get_object_or_404(IntegrationPoint.objects.select_related("owner").prefetch_related(CRITERIA), code=code)


def _of(code: str, position: int) -> AcceptanceCriterion:
    rows = AcceptanceCriterion.objects.select_related("point")
    return get_object_or_404(rows, point__code=code, position=position)


def _criteria(point: IntegrationPoint) -> Any:
    return (
        point.criteria.select_related("owner", "point")
        .prefetch_related(
            Prefetch("evidence", Evidence.objects.order_by("added_at", "pk")),
            Prefetch("sign_offs", SignOff.objects.order_by("signed_at", "pk")),
            Prefetch("events", CriterionEvent.objects.order_by("happened_at", "pk")),
        )
        .order_by("position")
    )


def _today() -> date:
    return local_date(deemed_now(), Company.current().tz)


def _rights(user: User) -> dict[str, bool]:
    is_now = moment() is None
    return {
        "may_sign_off": is_now and may_sign_off(user),
        "may_add_evidence": is_now and may_add_evidence(user),
    }


def _card(point: IntegrationPoint, today: date) -> dict[str, Any]:
    criteria = list(point.criteria.all())
    counted = [criterion for criterion in criteria if criterion.state != State.NOT_APPLICABLE]
    waiting = [criterion for criterion in counted if criterion.state != State.SIGNED_OFF]
    days = [criterion.due_on for criterion in waiting if criterion.due_on]
    next_due = min(days, default=point.due_on if waiting else None)
    return {
        "point": point,
        "done": len(counted) - len(waiting),
        "total": len(counted),
        "ready": (ready := sum(criterion.state == State.READY for criterion in waiting)),
        "ready_text": f"{ready} ready to sign",
        "flagged": (flagged := sum(criterion.state == State.FLAGGED for criterion in waiting)),
        "flagged_text": f"{flagged} flagged",
        "next_due": next_due,
        "is_overdue": bool(next_due and next_due < today),
    }


def _criterion(criterion: AcceptanceCriterion) -> dict[str, Any]:
    signed = list(criterion.sign_offs.all())
    standing = next((found for found in signed if found.withdrawn_at is None), None)
    state = State(criterion.state)
    return {
        "criterion": criterion,
        "tone": TONES.get(state, ""),
        "icon": ICONS[state],
        "evidence": list(criterion.evidence.all()),
        "standing": standing,
        "frozen": _frozen(standing),
        "is_open": state in (State.NOT_READY, State.READY, State.FLAGGED) and standing is None,
        "is_aside": state == State.NOT_APPLICABLE,
        "history": _history(criterion, signed),
        "plan_form": PlanForm(
            initial={"owner": criterion.owner_id, "due_on": criterion.due_on}, auto_id=f"id_{criterion.pk}_%s"
        ),
        "evidence_form": EvidenceForm(auto_id=f"id_{criterion.pk}_%s"),
        "sign_off_form": SignOffForm(initial={"version": criterion.version}, auto_id=f"id_{criterion.pk}_sign_%s"),
    }


def _frozen(standing: SignOff | None) -> dict[str, Any]:
    if standing is None:
        return {"documents": [], "live": []}
    documents = [
        {**document, "added_at": datetime.fromisoformat(document["added_at"])}
        for document in standing.evidence.get("documents", [])
    ]
    return {"documents": documents, "live": standing.evidence.get("live", [])}


def _history(criterion: AcceptanceCriterion, signed: list[SignOff]) -> list[dict[str, Any]]:
    """Everything that happened to a criterion, newest first."""
    entries: list[dict[str, Any]] = [
        {"at": found.added_at, "title": f"Evidence by {found.added_by_name}", "icon": "plus-lg", "body": found.note}
        for found in criterion.evidence.all()
    ]
    for found in signed:
        version = f"version {found.criterion_version}"
        entries.append(
            {
                "at": found.signed_at,
                "title": f"Signed off by {found.signed_by_name}",
                "icon": "check-circle",
                "tone": "good",
                "body": f"{found.note} ({version})" if found.note else f"In the words of {version}",
            }
        )
        if found.withdrawn_at:
            entries.append(
                {
                    "at": found.withdrawn_at,
                    "title": f"Sign-off of {found.signed_by_name} withdrawn by {found.withdrawn_by_name}",
                    "icon": "x-circle",
                    "tone": "bad",
                    "body": found.withdrawn_because,
                }
            )
    entries += [
        {
            "at": event.happened_at,
            "title": f"{event.get_kind_display()} by {event.by_name}",
            "icon": "info-circle",
            "body": event.because,
        }
        for event in criterion.events.all()
    ]
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)
