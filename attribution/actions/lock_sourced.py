"""Agree on one test of sourced deals, choose another, and open the question again.

Another test is another version of the sourced figures, so every change leaves a decision with its reason.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from attribution.models import AttributionRules, SourcedDecision, SourcedTest
from leads.models import User
from leads.pure.refused import Refused


class DecisionRefused(Refused):
    """The test cannot be locked or unlocked so; the message says why."""


def lock_sourced_test(*, test: str, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    """Make this test the company's and lock it. Raises DecisionRefused when one is locked, or without a reason."""
    with transaction.atomic():
        before = _open_test(test)
        AttributionRules.objects.filter(pk=1).update(sourced_test=test, sourced_locked_at=at)
        return _decision(SourcedDecision.Kind.LOCKED, test, before, reason, by, at)


def choose_sourced_test(*, test: str, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    """Make this test the company's without locking it. Raises DecisionRefused when one is locked, when it is the
    company's already, or without a reason."""
    with transaction.atomic():
        before = _open_test(test)
        if test == before:
            raise DecisionRefused("This is the company's test already.")
        AttributionRules.objects.filter(pk=1).update(sourced_test=test)
        return _decision(SourcedDecision.Kind.CHANGED, test, before, reason, by, at)


def unlock_sourced_test(*, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    """Open the question again; the test stays until another is chosen. Raises DecisionRefused when it is open, or
    without a reason."""
    with transaction.atomic():
        rules = AttributionRules.objects.select_for_update().get(pk=1)
        if rules.sourced_locked_at is None:
            raise DecisionRefused("The test is not locked.")
        AttributionRules.objects.filter(pk=1).update(sourced_locked_at=None)
        return _decision(SourcedDecision.Kind.UNLOCKED, rules.sourced_test, rules.sourced_test, reason, by, at)


def _open_test(test: str) -> str:
    """The test in force, held until the end of the transaction, where it may be replaced by this one."""
    if test not in SourcedTest.values:
        raise DecisionRefused(f"{test!r} is no test; there are {', '.join(SourcedTest.values)}.")
    rules = AttributionRules.objects.select_for_update().get(pk=1)
    if rules.sourced_locked_at is not None:
        raise DecisionRefused("The test is locked: unlock it first, with a reason.")
    return rules.sourced_test


def _decision(kind: str, test: str, before: str, reason: str, by: User | None, at: datetime) -> SourcedDecision:
    said = " ".join(reason.split())  # it ends up in e-mails: one line
    if not said:
        raise DecisionRefused("Give the reason.")
    return SourcedDecision.objects.create(
        kind=kind,
        test=test,
        test_before=before if before != test else "",
        reason=said[:300],
        by=by,
        at=at,
    )
