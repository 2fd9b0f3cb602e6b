"""Back-test of a version on past leads: figures with intervals, calibration, MQLs a week, and who would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leads.actions.scoring.back_test import request_back_test, rules_digest
from leads.forms.scoring import BackTestForm
from leads.models import BackTest, Lead, ScoringRuleSet
from leads.pure.charts import Chart, bars, intervals
from leads.pure.refused import Refused
from leads.pure.words import share
from leads.queries.scoring import may_change_scoring, may_read_scoring
from leads.tasks import nudge_back_tests
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

PAGE_SIZE = 20
_HEADER = (
    "Lead", "Company", "Stage now", "MQL on, active rules", "MQL on, this version",
    "Score after a week, active rules", "Score after a week, this version", "Became an SQL", "ID",
)  # fmt: skip


def _row(version: int) -> ScoringRuleSet:
    return get_object_or_404(ScoringRuleSet, version=version)


def _newest(row: ScoringRuleSet) -> BackTest:
    tests = BackTest.objects.filter(rule_set=row).select_related("job", "compared_with", "asked_by")
    if test := tests.order_by("-pk").first():
        return test
    raise Http404("This version was not tried on past leads yet.")


@login_required
@require_GET
def scoring_back_test(request: SignedInRequest, version: int) -> HttpResponse:
    """The newest back-test of a version."""
    allowed(request, may_read_scoring, "Scoring is for admins, marketing directors and sales leaders.")
    row = _row(version)
    test = _newest(row)
    moves = _sorted(test.moves, request.GET.get("who", ""))
    if made := list_file(request, f"back-test of version {version}", _HEADER, lambda: _cells(moves)):
        return made
    page = Paginator(moves, PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "row": row,
        "test": test,
        "job": test.job,
        "is_moving": test.job.is_unfinished,
        "is_old": test.digest != rules_digest(rule_set=row),
        "page": page,
        "rows": list(_shown(list(page.object_list))),
        "gained": sum(1 for move in test.moves if move[2]),
        "lost": sum(1 for move in test.moves if move[1]),
        "who": request.GET.get("who", ""),
        "may_change": may_change_scoring(request.user),
        "days_ended": test.last_day + timedelta(days=test.horizon_days),
    }
    if test.result:
        context |= {"weeks": _weeks(test, test.result), "calibration": _calibration(test.result)}
    return render(request, "leads/scoring/scoring_back_test.html", context)


@login_required
@require_POST
def scoring_back_test_start(request: SignedInRequest, version: int) -> HttpResponse:
    """Try a version on past leads."""
    user = allowed(request, may_change_scoring, "Admins try scoring rules.")
    row = _row(version)
    form = BackTestForm(request.POST)
    if not form.is_valid():
        for name, errors in form.errors.items():
            messages.error(request, f"{form.fields[name].label}: {' '.join(map(str, errors))}")
        return redirect(row)
    try:
        request_back_test(rule_set_id=row.pk, by=user, at=timezone.now(), **form.cleaned_data)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(row)
    nudge_back_tests()
    return redirect("leads:scoring-back-test", version)


@login_required
@require_GET
def scoring_back_test_progress(request: SignedInRequest, version: int) -> HttpResponse:
    """How far it is: the fragment that the page asks for each second."""
    allowed(request, may_read_scoring, "Scoring is for admins, marketing directors and sales leaders.")
    row = _row(version)
    test = _newest(row)
    context = {"row": row, "job": test.job}
    return progress_answer(request, "leads/scoring/_back_test_progress.html", context, is_moving=test.job.is_unfinished)


def _sorted(moves: Sequence[Sequence[Any]], who: str) -> list[Sequence[Any]]:
    """Those who would become MQLs, those who would not any more, or both; the newest first."""
    wanted = [move for move in moves if who not in ("gained", "lost") or bool(move[2]) == (who == "gained")]
    return sorted(wanted, key=lambda move: (move[2] or move[1] or "", move[0]), reverse=True)


def _shown(moves: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    leads = Lead.objects.in_bulk([move[0] for move in moves])
    for pk, before, after, score_before, score_after, has_outcome in moves:
        if lead := leads.get(pk):
            yield {
                "lead": lead,
                "before": date.fromisoformat(before) if before else None,
                "after": date.fromisoformat(after) if after else None,
                "score_before": score_before,
                "score_after": score_after,
                "has_outcome": has_outcome,
            }


def _cells(moves: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(moves), 500):
        for one in _shown(moves[start : start + 500]):
            lead: Lead = one["lead"]
            yield (
                lead.display_name, lead.company, lead.get_stage_display(), one["before"], one["after"],
                one["score_before"], one["score_after"], one["has_outcome"], str(lead.public_id),
            )  # fmt: skip


def _weeks(test: BackTest, result: dict[str, Any]) -> Chart:
    first = date.fromisoformat(result["first_week"]) if result["first_week"] else test.first_day
    counts = zip(result["draft"]["weeks"], result["active"]["weeks"], strict=True)
    rows = [(f"{first + timedelta(weeks=n):%-d %b}", (float(a), float(b))) for n, (a, b) in enumerate(counts)]
    names = (f"Version {test.rule_set.version}", f"Version {test.compared_with.version}")
    return bars(rows, series=names, of="Week of", title="MQLs a week", width=1080)


def _calibration(result: dict[str, Any]) -> Chart:
    rows = [
        (
            f"{band['low']}{'–' + str(band['high'] - 1) if band['high'] else ' or more'}",
            band["share"],
            *band["interval"],
        )
        for band in result["draft"]["bands"]
        if band["n"]
    ]
    return intervals(rows, title="Became an SQL, by score after a week", of="Score", words=share)
