"""Idempotent answers: a request repeated with its key gets the answer it got before, and does nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from leads.models import ApiKey, IdempotentAnswer

KEPT_FOR = timedelta(hours=24)


class KeyReused(ValueError):
    """The key was used for another request within 24 hours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a JSON body; ``is_replay`` when they were given before."""

    status: int
    body: Any
    is_replay: bool = False


def answer_once(*, api_key: ApiKey, key: str, request_hash: str, at: datetime, make: Callable[[], Answer]) -> Answer:
    """Make the answer, or give the one made before for the same key. Raises KeyReused for another request.

    The claim, the work of ``make`` and the answer are one transaction, so there is no half-done key to clean up. A
    second, simultaneous request waits: on the unique row in PostgreSQL, for the write lock in SQLite.
    """
    with transaction.atomic():
        mine = IdempotentAnswer.objects.filter(api_key=api_key, key=key)
        mine.filter(created_at__lt=at - KEPT_FOR).delete()
        try:
            with transaction.atomic():
                claim = IdempotentAnswer.objects.create(
                    api_key=api_key, key=key, body_hash=request_hash, status=0, answer={}, created_at=at
                )
        except IntegrityError:
            before = mine.get()
            if before.body_hash != request_hash:
                raise KeyReused("This Idempotency-Key was used with another request.") from None
            return Answer(before.status, before.answer, is_replay=True)
        answer = make()
        IdempotentAnswer.objects.filter(pk=claim.pk).update(status=answer.status, answer=answer.body)
        return answer


def hash_request(*, method: str, path: str, data: object) -> str:
    """A request's identity: equal JSON is equal however it is spaced or ordered."""
    canonical = json.dumps([method, path, data], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def forget_answers(*, at: datetime) -> int:
    """Delete answers older than 24 hours; returns how many."""
    deleted, _ = IdempotentAnswer.objects.filter(created_at__lt=at - KEPT_FOR).delete()
    return deleted
