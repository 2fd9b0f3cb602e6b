"""Decide what two leads are that may be one person: merged, or not the same; and take the decision back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.identity.merge_leads import MergeRefused, NotYours, merge_leads
from leads.actions.identity.unmerge_lead import unmerge_lead
from leads.models import Duplicate, Lead, User
from leads.queries.identity import may_merge

_State = Duplicate.State


def merge_duplicate(*, duplicate: Duplicate, survivor_id: int, by: User, at: datetime) -> Lead:
    """Merge the pair into one of the two. Raises MergeRefused."""
    pair = {duplicate.first_id, duplicate.second_id}
    if survivor_id not in pair:
        raise MergeRefused("Choose one of the two leads.")
    (loser_id,) = pair - {survivor_id}
    with transaction.atomic():
        _take(duplicate, by)
        reason = "; ".join(duplicate.reasons)
        survivor = merge_leads(survivor_id=survivor_id, loser_id=loser_id, by=by, at=at, reason=reason)
        _decide(duplicate, _State.MERGED, by, at)
    return survivor


def keep_apart(*, duplicate: Duplicate, by: User, at: datetime) -> None:
    """Remember that the two are not the same. Raises MergeRefused."""
    with transaction.atomic():
        _take(duplicate, by)
        _decide(duplicate, _State.DIFFERENT, by, at)


def undo_decision(*, duplicate: Duplicate, by: User, at: datetime) -> None:
    """Take a decision back: the pair is to be decided again, two leads as before. Raises MergeRefused."""
    with transaction.atomic():
        row = Duplicate.objects.select_for_update(of=("self",)).select_related("first", "second").get(pk=duplicate.pk)
        if row.state == _State.OPEN:
            raise MergeRefused("Nothing was decided about these two.")
        if not may_merge(user=by, leads=(row.first, row.second)):
            raise NotYours("Only admins, sales leaders and the owner of both leads decide about them.")
        if row.state == _State.MERGED:
            loser = row.first if row.first.merged_into_id is not None else row.second
            unmerge_lead(loser_id=loser.pk, by=by, at=at)
        Duplicate.objects.filter(pk=row.pk).update(state=_State.OPEN, decided_by=None, decided_at=None)


def _take(duplicate: Duplicate, by: User) -> None:
    rows = Duplicate.objects.select_for_update(of=("self",)).select_related("first", "second")
    row = rows.filter(pk=duplicate.pk, state=_State.OPEN).first()
    if row is None:
        raise MergeRefused("Somebody decided about these two meanwhile.")
    if not may_merge(user=by, leads=(row.first, row.second)):
        raise NotYours("Only admins, sales leaders and the owner of both leads decide about them.")


def _decide(duplicate: Duplicate, state: str, by: User, at: datetime) -> None:
    Duplicate.objects.filter(pk=duplicate.pk).update(state=state, decided_by=by, decided_at=at)
