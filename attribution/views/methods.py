"""All methods in words: what each does, what those that learn have learned, and the company's own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attribution.actions.runs.request_run import request_run
from attribution.actions.save_custom_method import save_custom_method
from attribution.figures.offers import chosen_method
from attribution.forms.methods import MethodForm
from attribution.models import AttributionRules, CustomMethod, LiftTest, MethodFit
from attribution.pure.methods import all_methods
from attribution.queries.rules import built, may_change_methods
from attribution.queries.rules import methods as offered_methods
from attribution.tasks import nudge_runs
from attribution.views.doors import whole_company
from leads.models import Company, User
from leads.past.span import moment
from leads.pure import words
from leads.views.doors import SignedInRequest, allowed
from leads.views.past import asked_as_of

PAST = 8


@login_required
@require_GET
@asked_as_of
def methods(request: SignedInRequest) -> HttpResponse:
    """Every method with its sentence; fits with what they hold and their history."""
    user = whole_company(request)
    offered = offered_methods()
    fits: dict[str, list[MethodFit]] = {}
    for fit in MethodFit.objects.defer("parameters").order_by("-fitted_at", "-pk"):
        fits.setdefault(fit.method, []).append(fit)
    names = {method.key: method for method in all_methods()}
    learned = [
        {"method": names[key], "fit": past[0], "past": past[:PAST], "facts": _facts(past[0]), "top": _top(past[0])}
        for key, past in sorted(fits.items())
        if key in names
    ]
    context: dict[str, Any] = {
        "rules": [method for method in all_methods() if not method.needs_fit],
        "unfitted": [method for method in all_methods() if method.needs_fit and method.key not in fits],
        "learned": learned,
        "custom": [(row, built(row).sentence) for row in CustomMethod.objects.order_by("name")],
        "lifts": list(LiftTest.objects.select_related("channel").order_by("-ends_on", "-pk")),
        "own": chosen_method(offered, Company.current()),
        "half_life": AttributionRules.objects.get(pk=1).half_life_days,
        "may_change": moment() is None and may_change_methods(user),
    }
    return render(request, "attribution/methods/methods.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def method_add(request: SignedInRequest) -> HttpResponse:
    """A method of the company's own shares."""
    return _edit(request, CustomMethod())


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def method_edit(request: SignedInRequest, slug: str) -> HttpResponse:
    """Other shares for one of the company's own methods."""
    _writer(request)
    return _edit(request, get_object_or_404(CustomMethod, slug=slug))


@login_required
@require_POST
def methods_refit(request: SignedInRequest) -> HttpResponse:
    """Let methods that learn learn anew; a worker does it and computes everything with what they learned."""
    run = request_run(kind="refit", at=timezone.now(), by=_writer(request), reason="Refit by hand")
    nudge_runs()
    return redirect("attribution:run", run.public_id)


def _writer(request: SignedInRequest) -> User:
    return allowed(request, may_change_methods, "Admins change methods.")


def _edit(request: SignedInRequest, method: CustomMethod) -> HttpResponse:
    _writer(request)
    is_new, name = method.pk is None, method.name
    form = MethodForm(request.POST or None, instance=method)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and request.POST.get("do") == "save":
        try:
            kept = save_custom_method(method=form.instance, at=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{kept.name} is saved as version {kept.version}. The next run computes it.")
            return redirect("attribution:methods")
    context = {
        "form": form,
        "is_new": is_new,
        "name": name,
        "total": form.total if form.is_bound and hasattr(form, "cleaned_data") else (None if is_new else 100),
        "sentence": built(form.instance).sentence if is_valid else "",
    }
    # A preview is an answer, not a refusal, even while the shares do not sum yet.
    status = 422 if form.errors and request.POST.get("do") == "save" else 200
    name_of = "attribution/methods/_method_sum.html" if request.htmx else "attribution/methods/method_form.html"
    return render(request, name_of, context, status=status)


def _facts(fit: MethodFit) -> list[tuple[str, str]]:
    """What a fit learned besides its places, in words."""
    summary, found = fit.summary, []
    if "scale_days" in summary:
        found.append(("A touchpoint works within", f"{words.days(summary['scale_days'])} on average"))
    if "baseline_share" in summary:
        found.append(("Would have come anyway", words.share(summary["baseline_share"], 0)))
    if "log_likelihood" in summary:
        found.append(("Lags tried", f"{len(summary['log_likelihood'])}; the most likely is used"))
    return found


def _top(fit: MethodFit) -> list[dict[str, Any]]:
    top: list[dict[str, Any]] = fit.summary.get("top", [])
    return top[:5]
