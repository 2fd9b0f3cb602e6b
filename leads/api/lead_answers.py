"""How the API tells about a lead: its stage, its score with reasons, its owner with the reason, what is promised."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request

from leads.api.past import as_of_field
from leads.models import DETAILS, Company, Lead, Stage
from leads.past.deemed import deemed_now
from leads.queries.lead import LeadStory, lead_stories
from leads.queries.mail import OptOut, opt_outs
from leads.queries.scoring import Shown, shown_scores


class ReasonAnswer(serializers.Serializer[Any]):
    """One reason for points."""

    rule = serializers.CharField()
    points = serializers.IntegerField()
    because = serializers.CharField()


class ScoreAnswer(serializers.Serializer[Any]):
    """The total is the sum of the reasons' points."""

    total = serializers.IntegerField()
    reasons = ReasonAnswer(many=True)


class AssignmentAnswer(serializers.Serializer[Any]):
    """Where the lead went, and why."""

    territory = serializers.CharField(allow_null=True)
    owner = serializers.CharField(allow_null=True)
    because = serializers.CharField()


class FollowUpAnswer(serializers.Serializer[Any]):
    """The next promised contact."""

    due_at = serializers.DateTimeField()
    kind = serializers.CharField()


class LeadStateAnswer(serializers.Serializer[Any]):
    """The state of a lead. While ``intake`` is "queued", ``stage``, ``score`` and ``assignment`` are null."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    stage = serializers.ChoiceField(choices=Stage.choices, allow_null=True)
    score = ScoreAnswer(allow_null=True)
    assignment = AssignmentAnswer(allow_null=True)
    follow_up = FollowUpAnswer(allow_null=True)
    intake = serializers.ChoiceField(choices=["queued"], required=False)


class OptOutAnswer(serializers.Serializer[Any]):
    """Why and since when this person must not be sent mail."""

    reason = serializers.ChoiceField(["unsubscribed", "complained", "bounced"])
    at = serializers.DateTimeField(allow_null=True, help_text="null where a file only said that it is so")


class LeadAnswer(LeadStateAnswer):
    """A lead as its reader sees it."""

    email_opt_out = OptOutAnswer(allow_null=True)

    email = serializers.EmailField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    company = serializers.CharField()
    job_title = serializers.CharField()
    phone = serializers.CharField()
    country = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()
    industry = serializers.CharField()
    company_size = serializers.IntegerField(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    campaign = serializers.UUIDField(allow_null=True, help_text="campaign of the first touch")
    captured_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class DatedLeadAnswer(LeadAnswer):
    """A lead by itself, now or as it was known at a moment."""

    as_of = as_of_field()


_COLUMNS = ("email", "external_id", *DETAILS)


def lead_states(leads: Sequence[Lead], request: Request, *, queued: Collection[int]) -> dict[int, dict[str, Any]]:
    """The state of each lead by its key; ``queued`` are those whose intake is still to be done."""
    done = [lead.pk for lead in leads if lead.pk not in queued]
    stories = lead_stories(done)
    tz = Company.current().tz
    scores = shown_scores(done, deemed_now().astimezone(tz).date(), tz) if done else {}
    return {lead.pk: _state(lead, stories.get(lead.pk), scores.get(lead.pk), request) for lead in leads}


def lead_answers(leads: Sequence[Lead], request: Request, *, queued: Collection[int]) -> list[dict[str, Any]]:
    """State and details of each lead; reads ``channel`` and ``campaign``, so select them."""
    states = lead_states(leads, request, queued=queued)
    unmailable = opt_outs(leads)
    return [
        {
            **states[lead.pk],
            "email_opt_out": _opt_out(unmailable.get(lead.pk)),
            **{name: getattr(lead, name) for name in _COLUMNS},
            "channel": lead.channel.key if lead.channel else None,
            "campaign": str(lead.campaign.public_id) if lead.campaign else None,
            "captured_at": lead.captured_at.isoformat(),
            "changed_at": lead.changed_at.isoformat(),
        }
        for lead in leads
    ]


def _opt_out(found: OptOut | None) -> dict[str, str | None] | None:
    return {"reason": found.reason, "at": found.at.isoformat() if found.at else None} if found else None


def _state(lead: Lead, story: LeadStory | None, score: Shown | None, request: Request) -> dict[str, Any]:
    state: Mapping[str, Any] = {
        "id": str(lead.public_id),
        "url": request.build_absolute_uri(reverse("api-lead", args=[lead.public_id])),
    }
    if story is None:
        return {**state, "stage": None, "score": None, "assignment": None, "follow_up": None, "intake": "queued"}
    assignment, follow_up = story.assignment, story.follow_up
    return {
        **state,
        "stage": lead.stage,
        "score": score.told if score else None,
        "assignment": {
            "territory": assignment.territory.name if assignment.territory else None,
            "owner": str(assignment.owner) if assignment.owner else None,
            "because": assignment.because,
        }
        if assignment
        else None,
        "follow_up": {"due_at": follow_up.due_at.isoformat(), "kind": follow_up.kind} if follow_up else None,
    }
