"""One run: state, progress, settings, and what it moved and why; beside an earlier one, if asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attribution.actions.runs.request_run import request_run
from attribution.models import AttributionRun, JourneyScope
from attribution.pure.methods import all_methods
from attribution.queries.rules import methods
from attribution.queries.runs import may_run, runs_known
from attribution.tasks import nudge_runs
from attribution.views.doors import whole_company
from leads.models import Campaign, Channel, Company, Opportunity
from leads.pure import words
from leads.views.doors import SignedInRequest, allowed
from leads.views.progress import progress_answer

EARLIER = 20
CAUSES = {
    "new_opportunity": "A deal that was not there before",
    "rules": "Other rules, settings or models",
    "fit": "Models that learn learned anew",
    "amount": "Another amount",
    "stage": "Another status or date",
    "contacts": "Other contacts or roles",
    "merges": "Contacts that were merged",
    "touches": "Other touchpoints",
}
SETTINGS = {
    "scope": "Include touchpoints of",
    "scopes": "Kept scopes",
    "milestone": "Journeys lead to",
    "look_back_days": "Look-back, days",
    "half_life_days": "Half-life, days",
    "self_initiated": "Self-initiated channels",
    "suppressed_channels": "Channels that never count",
    "currency": "Currency",
}
_MOVING = (AttributionRun.State.WAITING, AttributionRun.State.RUNNING)


@login_required
@require_GET
def run(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """The run; ``method`` chooses whose money, ``with`` an earlier run to compare settings and moves with."""
    user = whole_company(request)
    found = get_object_or_404(runs_known().select_related("requested_by"), public_id=public_id)
    company, difference = Company.current(), found.difference or {}
    names = {method.key: method.name for method in (*all_methods(), *methods())}
    method = request.GET.get("method") or company.default_method
    if method not in found.methods:
        method = next(iter(found.methods), company.default_method)
    earlier = list(
        AttributionRun.objects.filter(state=AttributionRun.State.DONE, pk__lt=found.pk)
        .exclude(opportunities_recomputed=0, difference__opportunities_changed=0)
        .order_by("-pk")[:EARLIER]
    )
    compared = next((each for each in earlier if str(each.public_id) == request.GET.get("with")), None)
    channels = dict(Channel.objects.values_list("key", "name"))
    context: dict[str, Any] = {
        "run": found,
        "is_moving": found.state in _MOVING,
        "seconds": (found.finished_at - found.started_at).total_seconds() if found.finished_at else None,
        "settings": [
            (name, _worded(key, found.settings[key], channels))
            for key, name in SETTINGS.items()
            if key in found.settings
        ],
        "methods": [(key, names.get(key, key), version) for key, version in found.methods.items()],
        "method": method,
        "method_name": names.get(method, method),
        "causes": _causes(difference, method, company.currency),
        "campaigns": _campaigns(difference.get("methods", {}).get(method, {}), company.currency),
        "deals": _deals(difference.get("opportunities", ()), names, company.currency),
        "removed": difference.get("opportunities_removed", 0),
        "changed": difference.get("opportunities_changed", 0),
        "earlier": earlier,
        "compared": compared,
        "comparison": _comparison(found, compared, method, names, company.currency) if compared else None,
        "may_run": may_run(user),
    }
    return render(request, "attribution/runs/run.html", context)


@login_required
@require_GET
def run_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """How far a run is: the fragment that the page asks for each second."""
    whole_company(request)
    found = get_object_or_404(AttributionRun, public_id=public_id)
    return progress_answer(
        request, "attribution/runs/_run_progress.html", {"run": found}, is_moving=found.state in _MOVING
    )


@login_required
@require_POST
def runs_recompute(request: SignedInRequest) -> HttpResponse:
    """Plan a run that computes every deal anew."""
    user = allowed(request, may_run, "Admins recompute everything.")
    planned = request_run(kind="full", at=timezone.now(), by=user, reason="Recomputed by hand")
    nudge_runs()
    return redirect("attribution:run", planned.public_id)


def _worded(key: str, value: Any, channels: Mapping[str, str]) -> str:
    """A setting as people call it."""
    if key in ("scope", "scopes"):
        labels = dict(JourneyScope.choices)
        return _plain([labels.get(each, each) for each in ([value] if isinstance(value, str) else value)])
    if key in ("self_initiated", "suppressed_channels"):
        return _plain([channels.get(each, each) for each in value])
    return f"{value:g}" if isinstance(value, float) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def _causes(difference: Mapping[str, Any], method: str, currency: str) -> list[dict[str, Any]]:
    """Deals per cause, and the money of one method that moved because of it."""
    money = difference.get("by_cause", {})
    return [
        {
            "name": CAUSES.get(cause, cause),
            "deals": count,
            "gained": words.money_exact(moved["gained_cents"], currency) if moved else words.MISSING,
            "lost": words.money_exact(moved["lost_cents"], currency) if moved else words.MISSING,
        }
        for cause, count in difference.get("causes", {}).items()
        for moved in (money.get(cause, {}).get(method),)
    ]


def _campaigns(moved: Mapping[str, Any], currency: str) -> list[dict[str, Any]]:
    return [
        {
            "name": entry["campaign"] or "No campaign, or Unattributed",
            "url": reverse("attribution:campaign", args=[entry["id"]]) if entry.get("id") else "",
            "cents": entry["cents"],
            "text": words.money_exact(entry["cents"], currency),
        }
        for entry in moved.get("campaigns", ())
    ]


def _deals(entries: Sequence[Mapping[str, Any]], names: Mapping[str, str], currency: str) -> list[dict[str, Any]]:
    """The deals that moved most, by name; those that are gone meanwhile are left out."""
    known = {
        str(public_id): name
        for public_id, name in Opportunity.objects.filter(public_id__in=[entry["id"] for entry in entries]).values_list(
            "public_id", "name"
        )
    }
    return [
        {
            "name": known[entry["id"]],
            "url": reverse("attribution:journey", args=[entry["id"]]),
            "cause": CAUSES.get(entry["cause"], entry["cause"]),
            "method": names.get(entry["method"], entry["method"]),
            "text": words.money_exact(entry["cents"], currency),
        }
        for entry in entries
        if entry["id"] in known
    ]


def _comparison(
    found: AttributionRun, other: AttributionRun, method: str, names: Mapping[str, str], currency: str
) -> dict[str, Any]:
    """Settings and versions that differ, and the moves of every run since the other one added up.

    ``is_whole`` is False where one of the runs is of a time when only the ten largest moves were kept.
    """
    settings = [
        (SETTINGS.get(key, key), _plain(other.settings.get(key)), _plain(found.settings.get(key)))
        for key in {**other.settings, **found.settings}
        if key != "fits" and other.settings.get(key) != found.settings.get(key)
    ]
    if other.settings.get("fits") != found.settings.get("fits"):
        settings.append(("What models learned", "an earlier fit", "another fit"))
    versions = [
        (names.get(key, key), _plain(other.methods.get(key)), _plain(found.methods.get(key)))
        for key in {**other.methods, **found.methods}
        if other.methods.get(key) != found.methods.get(key)
    ]
    sums: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    is_whole = True
    campaigns = {pk: (name, str(uid)) for pk, name, uid in Campaign.objects.values_list("pk", "name", "public_id")}
    names_by_id = {"": "", **{uid: name for name, uid in campaigns.values()}}
    between = AttributionRun.objects.filter(state=AttributionRun.State.DONE, pk__gt=other.pk, pk__lte=found.pk)
    for difference in between.values_list("difference", flat=True):
        causes.update((difference or {}).get("causes", {}))
        if "moves" in (difference or {}):
            for pk, cents in difference["moves"].get(method, ()):
                sums[campaigns.get(pk, ("", ""))[1]] += cents
            continue
        for entry in (difference or {}).get("methods", {}).get(method, {}).get("campaigns", ()):
            is_whole = False
            sums[entry.get("id", "")] += entry["cents"]
            names_by_id.setdefault(entry.get("id", ""), entry["campaign"])
    moved = sorted(((place, cents) for place, cents in sums.items() if cents), key=lambda item: -abs(item[1]))
    entries = [{"campaign": names_by_id.get(uid, ""), "id": uid, "cents": cents} for uid, cents in moved]
    return {
        "settings": settings,
        "versions": versions,
        "causes": [(CAUSES.get(cause, cause), count) for cause, count in causes.most_common()],
        "campaigns": _campaigns({"campaigns": entries}, currency),
        "is_whole": is_whole,
        "runs": between.count(),
        "is_same_inputs": bool(found.inputs_hash) and found.inputs_hash == other.inputs_hash,
    }
