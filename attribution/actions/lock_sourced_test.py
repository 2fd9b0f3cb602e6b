"""Agree on one test of sourced deals, and open the question again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from attribution.models import AttributionRules, SourcedDecision, SourcedTest
from leads.models import User


class DecisionRefused(ValueError):
    """The test cannot be locked or unlocked so; the message says why."""


def lock_sourced_test(*, test: str, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    """Make this test the company's and lock it. Raises DecisionRefused when one is locked, or without a reason."""
    if test not in SourcedTest.values:
        raise DecisionRefused(f"{test!r} is no test; there are {', '.join(SourcedTest.values)}.")
    with transaction.atomic():
        rules = AttributionRules.objects.select_for_update().get(pk=1)
        if rules.sourced_locked_at is not None:
            raise DecisionRefused("The test is locked: unlock it first, with a reason.")
        AttributionRules.objects.filter(pk=1).update(sourced_test=test, sourced_locked_at=at)
        return _decision(SourcedDecision.Kind.LOCKED, test, reason, by, at)


def unlock_sourced_test(*, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    """Open the question again; the test stays until another is chosen. Raises DecisionRefused when it is open, or
    without a reason."""
    with transaction.atomic():
        rules = AttributionRules.objects.select_for_update().get(pk=1)
        if rules.sourced_locked_at is None:
            raise DecisionRefused("The test is not locked.")
        AttributionRules.objects.filter(pk=1).update(sourced_locked_at=None)
        return _decision(SourcedDecision.Kind.UNLOCKED, rules.sourced_test, reason, by, at)


def _decision(kind: str, test: str, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    if not reason.strip():
        raise DecisionRefused("Give the reason.")
    return SourcedDecision.objects.create(kind=kind, test=test, reason=reason.strip()[:300], by=by, at=at)
