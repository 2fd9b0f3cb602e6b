"""What a caller asks for, checked: every refusal names its parameter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from attribution.forms import AttributionForm, method_choices
from attribution.models import AttributionRules, AttributionRun, JourneyScope
from attribution.pure.methods import Method, all_methods, get_method
from leads.figures.base import Scope
from leads.models import Company, User

MODEL = OpenApiParameter(
    "model",
    str,
    enum=[key for key, _ in method_choices()],
    description="Attribution method; without it the company's own.",
)
PARAMETERS = [
    MODEL,
    OpenApiParameter(
        "from",
        str,
        description="First day (2026-11-16) or week (2026-W47). Without from and to: the last 90 days.",
        examples=[OpenApiExample("a week", value="2026-W40")],
    ),
    OpenApiParameter("to", str, description="Last day or week, included. Without it: today."),
    OpenApiParameter(
        "basis",
        str,
        enum=["simple", "realised"],
        description="simple: revenue by close date, cost by spend date. realised: revenue from touches of the period.",
    ),
    OpenApiParameter(
        "scope",
        str,
        enum=JourneyScope.values,
        description="Whose touches make up a journey. Only the scope that the company computes can be asked for.",
    ),
    OpenApiParameter(
        "as_of",
        OpenApiTypes.STR,
        description="A day, or a moment with its offset, not before the last run: credits are kept as of that run.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked question, the run that answers it, and the rules it was computed under."""

    scope: Scope
    method: Method
    run: AttributionRun | None
    rules: AttributionRules
    company: Company


def asked(request: Request, *, campaign: str = "", more: Collection[str] = ()) -> Asked:
    """Read the query. Raises ValidationError with one entry per parameter at fault."""
    known = {parameter.name for parameter in PARAMETERS} | set(more)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise ValidationError({name: [f"Unknown parameter; known are {', '.join(sorted(known))}."] for name in unknown})
    company, at = Company.current(), timezone.now()
    rules = AttributionRules.objects.get(pk=1)
    run = AttributionRun.objects.filter(state=AttributionRun.State.DONE).order_by("-finished_at", "-pk").first()
    given = {name: request.query_params[name] for name in request.query_params}
    method = _method(given.pop("model", ""), company)
    _check_scope(given.pop("scope", ""), rules)
    data = {**given, "method": method.key, "campaign": campaign}
    form = AttributionForm(data, company=company, at=at, only=("method", "basis", "campaign"))
    if not form.is_valid():
        raise ValidationError({name: [str(text) for text in texts] for name, texts in form.errors.items()})
    # A key reads the company's rows; a person what they may see.
    scope = form.scope(request.user if isinstance(request.user, User) else None)
    if run is not None and run.finished_at and form.cleaned_data["as_of"] and scope.at < run.finished_at:
        computed = run.finished_at.astimezone(scope.tz).isoformat(timespec="seconds")
        raise ValidationError({"as_of": [f"Credits are kept as of the last run, {computed}; ask for then or later."]})
    return Asked(scope, method, run, rules, company)


def asked_method(request: Request) -> Method | None:
    """Only the ``model`` parameter; None when it is not given."""
    text = request.query_params.get("model", "")
    return _method(text, Company.current()) if text else None


def _method(text: str, company: Company) -> Method:
    known = [method.key for method in all_methods()]
    if text and text not in known:
        raise ValidationError({"model": [f"{text[:40]!r} is not a model; known are {', '.join(known)}."]})
    return get_method(text or company.default_method)


def _check_scope(text: str, rules: AttributionRules) -> None:
    if text and text not in JourneyScope.values:
        raise ValidationError({"scope": [f"{text[:40]!r} is not a scope; known are {', '.join(JourneyScope.values)}."]})
    if text and text != rules.scope:
        raise ValidationError({"scope": [f"Credits are computed for the scope {rules.scope!r} only."]})
