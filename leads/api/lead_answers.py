"""How the API tells about a lead: its stage, its score with reasons, its owner with the reason, what is promised."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from leads.api.past import as_of_field
from leads.models import Lead, Stage
from leads.queries.answers import lead_data


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


def lead_answers(leads: Sequence[Lead], request: Request, *, queued: Collection[int]) -> list[dict[str, Any]]:
    """State and details of each lead; reads ``channel`` and ``campaign``, so select them."""
    return lead_data(leads, link=request.build_absolute_uri, queued=queued)
