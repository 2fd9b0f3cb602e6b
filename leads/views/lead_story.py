"""Everything that happened to a lead as timeline entries, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leads.models import (
    Activity,
    Assignment,
    Consent,
    FollowUp,
    Lead,
    LeadScore,
    LifecyclePassage,
    OpportunityContact,
    Stage,
    Touchpoint,
)
from leads.pure.capture.bots import REASONS as EXCLUSIONS

Entry = dict[str, Any]


def story(lead: Lead, touches_shown: int) -> list[Entry]:
    """Touches, score changes, stage passages, assignments, follow-ups, consents and deals of one lead."""
    entries = [
        *_touches(lead, touches_shown),
        *_scores(lead),
        *_passages(lead),
        *_assignments(lead),
        *_follow_ups(lead),
        *_activities(lead),
        *_consents(lead),
        *_deals(lead),
    ]
    # Things of one moment read from cause to effect; the list runs backwards, so the effect stands above.
    return sorted(entries, key=lambda entry: (entry["at"], entry["order"]), reverse=True)


def _touches(lead: Lead, shown: int) -> Iterator[Entry]:
    touches = Touchpoint.objects.filter(lead=lead).select_related("channel", "campaign")
    for touch in touches.order_by("-occurred_at", "-pk")[:shown]:
        through = " · ".join(str(part) for part in (touch.channel, touch.campaign) if part)
        excluded = EXCLUSIONS.get(touch.exclusion, touch.exclusion)
        detail = [
            (label, value)
            for label, value in (
                ("Landing page", touch.landing_page),
                ("Referrer", touch.referrer),
                ("UTM", " / ".join(filter(None, (touch.utm_source, touch.utm_medium, touch.utm_campaign)))),
            )
            if value
        ]
        yield {
            "at": touch.occurred_at,
            "order": 0,
            "icon": "envelope" if touch.kind.startswith("email") else "megaphone",
            "tone": "accent",
            "title": touch.name or touch.get_kind_display(),
            "body": f"{touch.get_kind_display()} · {through}"
            + (f" · no points, no credit: {excluded}" if excluded else ""),
            "detail": detail,
        }


def _scores(lead: Lead) -> Iterator[Entry]:
    before: LeadScore | None = None
    for score in lead.scores.select_related("rule_set").order_by("scored_at", "pk"):
        if before is None or before.total != score.total:
            change = f" (before: {before.total})" if before else ""
            yield {
                "at": score.scored_at,
                "order": 1,
                "icon": "graph-up",
                "title": f"Score {score.total}{change}",
                "body": f"Fit {score.fit}, behavior {score.behaviour}, by rules version {score.rule_set.version}",
                "detail": [(f"{reason['points']:+d} {reason['rule']}", reason["because"]) for reason in score.reasons],
            }
        before = score


def _passages(lead: Lead) -> Iterator[Entry]:
    tones = {Stage.MQL: "good", Stage.CUSTOMER: "good", Stage.DISQUALIFIED: "bad"}
    # Newest first already here: of two passages in one moment only their order of writing tells which came later.
    for passage in LifecyclePassage.objects.filter(lead=lead).select_related("by").order_by("-pk"):
        said = [
            passage.get_reason_display() if passage.reason else "",
            passage.because,
            "inferred: the stage was skipped" if passage.is_inferred else "",
        ]
        yield {
            "at": passage.passed_at,
            "order": 2,
            "icon": "arrow-up-right",
            "tone": tones.get(Stage(passage.to_stage), ""),
            "title": f"Became {passage.get_to_stage_display()}",
            "body": " · ".join(part for part in dict.fromkeys(said) if part),
        }


def _assignments(lead: Lead) -> Iterator[Entry]:
    for assignment in Assignment.objects.filter(lead=lead).select_related("owner", "territory").order_by("pk"):
        yield {
            "at": assignment.assigned_at,
            "order": 3,
            "icon": "person-check",
            "title": f"Assigned to {assignment.owner}" if assignment.owner else "Nobody could take it",
            "body": f"{assignment.territory}: {assignment.because}" if assignment.territory else assignment.because,
            "detail": [(f"Passed over: {entry['rep']}", entry["why"]) for entry in assignment.passed_over],
        }


def _follow_ups(lead: Lead) -> Iterator[Entry]:
    for follow_up in FollowUp.objects.filter(lead=lead).select_related("owner").order_by("pk"):
        kind = follow_up.get_kind_display()
        yield {
            "at": follow_up.planned_at,
            "order": 4,
            "icon": "telephone",
            "title": f"{kind} planned",
            "body": f"for {follow_up.owner or 'nobody'} · {follow_up.because}",
        }
        if follow_up.done_at:
            is_late = follow_up.done_at > follow_up.due_at
            yield {
                "at": follow_up.done_at,
                "order": 5,
                "icon": "check-circle",
                "tone": "bad" if is_late else "good",
                "title": f"{kind}: {follow_up.get_outcome_display().lower()}",
                "body": " · ".join(
                    part for part in ("after the due time" if is_late else "in time", follow_up.note) if part
                ),
            }


def _activities(lead: Lead) -> Iterator[Entry]:
    """What was logged; what completed a follow-up is told with it."""
    icons = {"call": "telephone", "email": "envelope", "meeting": "people", "note": "chat-left-text"}
    for activity in Activity.objects.filter(lead=lead, follow_up__isnull=True).select_related("by").order_by("pk"):
        outcome = f": {activity.get_outcome_display().lower()}" if activity.outcome else ""
        yield {
            "at": activity.occurred_at,
            "order": 5,
            "icon": icons[activity.kind],
            "tone": "accent",
            "title": f"{activity.get_kind_display()}{outcome}",
            "body": " · ".join(part for part in (f"by {activity.by}" if activity.by else "", activity.note) if part),
        }


def _consents(lead: Lead) -> Iterator[Entry]:
    for consent in Consent.objects.filter(lead=lead).order_by("pk"):
        yield {
            "at": consent.given_at,
            "order": 0,
            "icon": "list-check",
            "title": f"Legal basis: {consent.get_basis_display().lower()}",
            "body": consent.text,
        }


def _deals(lead: Lead) -> Iterator[Entry]:
    roles = OpportunityContact.objects.filter(lead=lead).select_related("opportunity__stage")
    for role in roles.order_by("pk"):
        deal = role.opportunity
        yield {
            "at": deal.opened_at,
            "order": 6,
            "icon": "cash-coin",
            "title": f"Opportunity opened: {deal}",
            "body": f"as {role.get_role_display().lower()}",
            "url": deal.get_absolute_url(),
        }
        if deal.closed_at:
            yield {
                "at": deal.closed_at,
                "order": 7,
                "icon": "trophy" if deal.status == "won" else "x-circle",
                "tone": "good" if deal.status == "won" else "bad",
                "title": f"Opportunity {deal.get_status_display().lower()}: {deal}",
                "url": deal.get_absolute_url(),
            }
