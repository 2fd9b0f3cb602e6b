"""What a caller asks for, checked: every refusal names its parameter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from attribution.forms.campaigns import AttributionForm
from attribution.models import AttributionRules, AttributionRun, JourneyScope
from attribution.pure.methods import Method, all_methods
from attribution.queries.runs import last_run
from leads.api.parameters import check_parameters
from leads.api.past import AS_OF
from leads.figures.base import Scope
from leads.models import Company, User
from leads.past.deemed import deemed_now

MODEL = OpenApiParameter(
    "model",
    str,
    description="Attribution model; without it the company's own. Those shipped: "
    + ", ".join(method.key for method in all_methods())
    + ". Data-driven ones are there once fitted; the company's own models are called custom-….",
)
SCOPE = OpenApiParameter(
    "scope",
    str,
    enum=JourneyScope.values,
    description="Whose touchpoints make up a journey: one of the scopes that the company keeps; without it its own.",
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
        description="simple: revenue by close date, cost by spend date. realised: revenue from touchpoints of the "
        "period.",
    ),
    SCOPE,
    OpenApiParameter(
        "owner",
        str,
        description="Deals and leads of one owner, by their id; none: of nobody. Costs have no owner: cost and ROI are "
        "null then.",
    ),
    AS_OF,
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked question, the models on offer, the run that answers it, and the rules it was computed under."""

    scope: Scope
    method: Method
    methods: tuple[Method, ...]
    run: AttributionRun | None
    rules: AttributionRules
    company: Company


def asked(request: Request, *, campaign: str = "", more: Collection[str] = ()) -> Asked:
    """Read the query. Raises ValidationError with one entry per parameter at fault."""
    check_parameters(request, {parameter.name for parameter in PARAMETERS} | set(more))
    company, at = Company.current(), deemed_now()
    run = last_run()
    given = {name: request.query_params[name] for name in request.query_params}
    data = {**given, "method": given.pop("model", ""), "campaign": campaign}
    form = AttributionForm(data, company=company, at=at, only=("method", "basis", "campaign", "owner"))
    if not form.is_valid():
        raise refused(form)
    # A key reads the company's rows; a person what they may see.
    scope = form.scope(request.user if isinstance(request.user, User) else None)
    return Asked(scope, form.chosen, form.known, run, form.rules, company)


@dataclass(frozen=True, slots=True)
class AskedOfDeal:
    """Which models' credits, and of whose journeys."""

    methods: tuple[Method, ...]
    scope: str
    company: Company
    run: AttributionRun | None


def asked_of_deal(request: Request) -> AskedOfDeal:
    """Only ``model``, ``scope`` and ``as_of``; without them every model, and the company's own scope."""
    check_parameters(request, {MODEL.name, SCOPE.name, AS_OF.name})
    company = Company.current()
    asked = {"method": request.query_params.get("model", ""), "scope": request.query_params.get("scope", "")}
    form = AttributionForm(asked, company=company, at=deemed_now(), only=("method",))
    if not form.is_valid():
        raise refused(form)
    return AskedOfDeal(
        (form.chosen,) if asked["method"] else form.known, form.cleaned_data["scope"], company, last_run()
    )


def refused(form: AttributionForm) -> ValidationError:
    """The form's errors under the names of the API."""
    return ValidationError(
        {"model" if name == "method" else name: [str(text) for text in texts] for name, texts in form.errors.items()}
    )
