"""Present recommendations: as a report keeps them, with where their evidence opens and how they stand now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.http import urlencode

from alignment.models import Recommendation
from alignment.queries.report import may_decide
from leads.models import Company, User
from leads.pure import words
from leads.pure.week import Week, local_date

State = Recommendation.State
TONES = {State.OPEN: "accent", State.DECIDED: "good", State.DISMISSED: "", State.REPLACED: ""}
# Outcome, button, question and look of each form.
CHOICES = (
    ("decided", "Decide", "What was decided, and why?", "btn-outline-secondary"),
    ("dismissed", "Dismiss", "Why is nothing to be done?", "btn-quiet"),
)


def kept(*, row: Recommendation) -> dict[str, Any]:
    """A recommendation as a report keeps it: all but its state, which lives on."""
    return {
        "id": str(row.public_id),
        "week": row.week,
        "kind": row.kind,
        "subject": row.subject,
        "question": row.question,
        "changed": row.changed,
        "grounds": row.grounds,
        "caution": row.caution,
        "capacity": row.capacity,
        "evidence": row.evidence,
    }


def present_kept(*, kept: dict[str, Any]) -> dict[str, Any]:
    """The same with where its evidence opens: in the report that asked first."""
    return {
        **kept,
        "evidence": [{**each, "url": _evidence_path(kept["week"], each)} for each in kept["evidence"]],
        "first": words.week_label(Week.parse(kept["week"]), "short"),
    }


def outcome(*, row: Recommendation, tz: ZoneInfo, at: datetime | None = None) -> str:
    """What became of it, by then or by now, in words: by whom, when and why."""
    if row.closed_at is None or (at and row.closed_at > at):
        return str(State.OPEN.label)
    day = f"{local_date(row.closed_at, tz):%-d %b %Y}"
    by = f" by {row.closed_by_name}" if row.closed_by_name else ""
    return f"{row.get_state_display()}{by} on {day}: {row.reason}"


def standing(*, row: Recommendation, tz: ZoneInfo) -> dict[str, Any]:
    """How a recommendation stands now."""
    state = State(row.state)
    return {
        "state": row.state,
        "state_text": state.label,
        "tone": TONES[state],
        "is_open": state == State.OPEN,
        "outcome": outcome(row=row, tz=tz),
    }


def with_states(*, listed: list[dict[str, Any]], week: str, user: User) -> dict[str, Any]:
    """What a report keeps, each with how it stands now under ``live``; those it asked first, and the others."""
    rows = Recommendation.objects.filter(public_id__in=[each["id"] for each in listed]) if listed else []
    tz = Company.current().tz
    now = {str(row.public_id): standing(row=row, tz=tz) for row in rows}
    shown = [{**each, "live": now.get(each["id"])} for each in listed]
    return {
        "recommendations": shown,
        "recommendations_new": [each for each in shown if each["week"] == week],
        "recommendations_open": [each for each in shown if each["week"] != week],
        "may_decide": may_decide(user),
        "choices": CHOICES,
    }


def _evidence_path(week: str, evidence: dict[str, str]) -> str:
    if not evidence["entry"]:
        return ""
    path = reverse("alignment:report-figure", args=[week, evidence["entry"]])
    return f"{path}?{urlencode({'only': evidence['item']})}" if evidence["item"] else path


__all__ = ["CHOICES", "kept", "outcome", "present_kept", "standing", "with_states"]
