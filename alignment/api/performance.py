"""``GET /api/v1/integrations/sales/performance``: pipeline, campaigns and leads, every figure with its definition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.api.performance_answer import PerformanceAnswer
from attribution.figures.campaign_table import CampaignTable, Node, Sums, campaign_table
from attribution.figures.offers import chosen_method, method_choices, scope_choices
from attribution.queries.rules import methods
from leads.api.figures import rows_path
from leads.api.parameters import wrong_parameters
from leads.api.past import AS_OF, asked_as_of, stated
from leads.api.schema import problems
from leads.figures.base import NO_OWNER, Figure, Number, Scope
from leads.figures.groups import DIMENSIONS, groups
from leads.figures.together import figures
from leads.figures.words import figure_url
from leads.forms import ScopeForm
from leads.models import Company, Territory, User
from leads.models import Scope as KeyScope
from leads.past.deemed import deemed_now
from leads.pure.money import to_amount

PARAMETERS = ("from", "to", "territory", "owner", "channel", "group", "model", "scope", "as_of")
PIPELINE = {
    "created": "pipeline.created",
    "created_count": "pipeline.created_count",
    "influenced": "pipeline.influenced",
    "sourced": "pipeline.sourced",
    "open": "pipeline.open",
    "weighted": "pipeline.weighted",
    "won": "pipeline.won",
    "won_count": "pipeline.won_count",
    "lost_count": "pipeline.lost_count",
    "velocity": "pipeline.velocity",
    "cycle_all_deals": "pipeline.cycle_survival",
}
FACTORS = {
    "open_opportunities": "pipeline.open_count",
    "win_rate": "pipeline.win_rate",
    "deal_size": "pipeline.deal_size",
    "cycle_days": "pipeline.cycle_median",
}
GROUPED = {
    "created": "pipeline.created",
    "created_count": "pipeline.created_count",
    "open": "pipeline.open",
    "open_opportunities": "pipeline.open_count",
    "weighted": "pipeline.weighted",
    "won": "pipeline.won",
    "won_count": "pipeline.won_count",
    "lost_count": "pipeline.lost_count",
    "win_rate": "pipeline.win_rate",
    "cycle_days": "pipeline.cycle_median",
}
LEADS = {
    "captured": "leads.captured",
    "inquiries": "leads.inquiries",
    "mqls": "leads.mqls",
    "sals": "leads.sals",
    "sqls": "leads.sqls",
    "lead_velocity": "leads.lead_velocity",
    "acceptance_rate": "leads.acceptance_rate",
    "score_quality": "leads.score_quality",
    "speed_to_lead": "leads.speed_to_lead",
    "follow_up_attainment": "leads.follow_up_attainment",
}
STEPS = ("lead_to_mql", "mql_to_sal", "mql_to_sql", "sql_to_opportunity", "opportunity_to_won")
KINDS = {"cohort": "conversion", "period": "period_conversion"}


def _parameter(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, description=description)


class Performance(APIView):
    """What marketing did for the pipeline, in one period."""

    required_scope = KeyScope.PERFORMANCE_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="read_performance",
        summary="Pipeline influenced, campaign ROI, lead quality and conversion",
        tags=["performance"],
        parameters=[
            _parameter("from", "First day (2026-11-02) or week (2026-W45); default: the current fiscal quarter"),
            _parameter("to", "Last day or week, included"),
            _parameter("territory", "A territory's id or name"),
            _parameter("owner", "An owner's id, name or email address; none: what nobody owns"),
            OpenApiParameter(
                "group", str, enum=list(DIMENSIONS), description="The pipeline figures for each of these as well"
            ),
            _parameter("channel", "A channel's key, with the channels below it"),
            _parameter("model", "An attribution model's key; default: the company's"),
            _parameter("scope", "Whose touchpoints count: contacts, primary or account; default: the company's"),
            AS_OF,
            OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER),
        ],
        responses={200: PerformanceAnswer, 304: None, **problems(400, 401, 403, 429)},
    )
    @asked_as_of
    def get(self, request: Request) -> Response:
        scope = _asked(request)
        answer = _Answer(request, scope).body()
        # Over the moment asked for, not over now: the clock alone does not make an answer new.
        tag = f'"{sha256(json.dumps({**answer, "as_of": stated()}, sort_keys=True).encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        known = [part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")]
        if tag in known or "*" in known:
            return Response(status=304, headers=headers)
        return Response(answer, headers=headers)


def _asked(request: Request) -> Scope:
    """The scope of the query. Raises ValidationError naming every parameter at fault."""
    query = request.query_params
    errors = wrong_parameters(request, PARAMETERS)
    data: dict[str, Any] = {name: query.get(name, "") for name in PARAMETERS if name != "model"}
    data["territory"] = _territory(data["territory"])
    data["owner"] = _owner(data["owner"])
    if (group := data.pop("group")) and group not in DIMENSIONS:
        errors["group"] = [f"Give one of {', '.join(DIMENSIONS)}."]
    form = ScopeForm(
        {**data, "method": query.get("model", "")},
        company=Company.current(),
        at=deemed_now(),
        methods=method_choices(),
        scopes=scope_choices(),
    )
    if not form.is_valid():
        errors |= {
            "model" if name == "method" else name: [str(text) for text in found] for name, found in form.errors.items()
        }
    if errors:
        raise ValidationError(errors)
    return form.scope(None)


def _territory(text: str) -> str:
    """Names are what people know; ids are what addresses hold."""
    if not text or (text.isascii() and text.isdigit()) or "\0" in text:
        return text
    found = Territory.objects.filter(name__iexact=text).values_list("pk", flat=True).first()
    return text if found is None else str(found)


def _owner(text: str) -> str:
    """Names and addresses are what people know."""
    if not text or text == NO_OWNER or "\0" in text or re.fullmatch(r"[0-9a-fA-F-]{32,36}", text):
        return text
    found = User.objects.filter(Q(email__iexact=text) | Q(name__iexact=text)).values_list("public_id", flat=True)[:2]
    return str(found[0]) if len(found) == 1 else text


class _Answer:
    """The body for one scope."""

    def __init__(self, request: Request, scope: Scope) -> None:
        self.request, self.scope = request, scope
        self._root = request.build_absolute_uri("/").removesuffix("/")

    def body(self) -> dict[str, Any]:
        scope = self.scope
        first, last = scope.query()["from"], scope.query()["to"]
        steps = [f"leads.{kind}.{step}" for kind in KINDS.values() for step in STEPS]
        keys = [*PIPELINE.values(), *FACTORS.values(), *LEADS.values(), *steps]
        found = {each.definition.key: each for each in figures([(key, scope) for key in keys], for_value=True)}
        return {
            "period": {"from": first, "to": last, "time_zone": str(scope.tz)},
            "as_of": stated() or scope.at.astimezone(scope.tz).isoformat(timespec="seconds"),
            "currency": scope.currency,
            "territory": scope.territory,
            "owner": scope.owner or None,
            "channel": scope.channel or None,
            "pipeline": self._pipeline(found),
            "campaigns": self._campaigns(),
            "leads": self._leads(found),
            "groups": self._groups(self.request.query_params.get("group", "")),
        }

    def _groups(self, by: str) -> list[dict[str, Any]] | None:
        if not by:
            return None
        return [
            {
                "key": group.key,
                "name": group.name,
                "figures": {name: self._worded(found) for name, found in zip(GROUPED, group.figures, strict=True)},
            }
            for group in groups(list(GROUPED.values()), self.scope, by)
        ]

    def _pipeline(self, found: Mapping[str, Figure]) -> dict[str, Any]:
        told: dict[str, Any] = {name: self._worded(found[key]) for name, key in PIPELINE.items()}
        told["velocity"]["factors"] = {name: self._worded(found[key]) for name, key in FACTORS.items()}
        return told

    def _leads(self, found: Mapping[str, Figure]) -> dict[str, Any]:
        told: dict[str, Any] = {name: self._worded(found[key]) for name, key in LEADS.items()}
        told["conversion"] = {
            name: {step: self._worded(found[f"leads.{kind}.{step}"]) for step in STEPS} for name, kind in KINDS.items()
        }
        return told

    def _worded(self, found: Figure) -> dict[str, Any]:
        meaning = found.definition
        is_money = meaning.unit in ("money", "money_per_day")
        return {
            "value": self._money(found.value) if is_money else found.value,
            "unit": meaning.unit,
            "lacking": found.lacking,
            "definition": {"key": meaning.key, "version": meaning.version},
            "rows_url": self._rows_url(meaning.key, found.scope),
            "page_url": self._page_url(meaning.key, found.scope),
        }

    def _money(self, cents: Number | None) -> dict[str, str] | None:
        if cents is None:
            return None
        return {"amount": to_amount(round(cents), self.scope.currency), "currency": self.scope.currency}

    def _rows_url(self, key: str, scope: Scope) -> str:
        return self._root + rows_path(key, scope.query())

    def _page_url(self, key: str, scope: Scope) -> str:
        return self._root + figure_url(key, scope)

    # --- campaigns ---------------------------------------------------------------------------------------------------

    def _campaigns(self) -> dict[str, Any]:
        method = chosen_method(methods(), Company.current(), self.scope.method)
        table = campaign_table(self.scope, (method.key,))
        rows = list(_leaves(table))
        nameless = Sums()
        for node in rows:
            if node.campaign is None:
                nameless.update(node.earned)
        named = _by_campaign(rows)
        return {
            "model": {"key": method.key, "version": method.version, "name": method.name},
            "results": [self._campaign(node, method.key) for node in named],
            "no_campaign": self._money(nameless.value(method.key)),
            "elsewhere": self._money(table.elsewhere[method.key]),
            "unattributed": self._money(table.unattributed_of(method.key)),
            "total": self._money(table.total_of(method.key)),
        }

    def _campaign(self, node: Node, method: str) -> dict[str, Any]:
        roi = node.roi(method)
        place = replace(self.scope, campaign=str(node.campaign))
        return {
            "id": str(node.campaign),
            "name": node.name,
            "channel": node.channel,
            "attributed_revenue": self._money(node.earned.value(method)),
            "attributed_pipeline": self._money(node.pipeline),
            "cost": self._money(node.cost),
            "is_cost_incomplete": node.is_cost_incomplete,
            "roi": roi,
            "roi_reason": None if roi is not None else _why_no_roi(node),
            "leads": node.leads,
            "rows_url": self._rows_url("attribution.revenue", place),
            "page_url": self._page_url("attribution.revenue", place),
        }


def _why_no_roi(node: Node) -> str:
    if node.cost is None:
        return "No cost is recorded in the period."
    return "The recorded cost is zero." if not node.cost else "No deal it earned credit in has an amount."


def _leaves(table: CampaignTable) -> Any:
    for _, node in table.whole.walk():
        if not node.children and node is not table.whole:
            yield node


def _by_campaign(rows: list[Node]) -> list[Node]:
    """One row per campaign, though it may have been touched through several channels; most revenue first."""
    found: dict[Any, Node] = {}
    for node in rows:
        if node.campaign is None:
            continue
        row = found.setdefault(node.campaign, Node(node.name, "campaign", node.channel, node.campaign))
        row.earned.update(node.earned)
        row.expected.update(node.expected)
        row.leads += node.leads
        row.is_cost_incomplete |= node.is_cost_incomplete
        if node.cost is not None:
            row.cost, row.channel = (row.cost or 0) + node.cost, node.channel
    return sorted(found.values(), key=lambda row: (-row.revenue.total(), row.name))
