"""Receive a form: what was sent is kept before the answer leaves, and nobody is looked up.

That makes the answer the same, in words and in time, whether the person is known or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import transaction

from leads.models import ConfirmationMail, PageView, Submission, WebForm
from leads.pure.capture.bots import touch_exclusion
from leads.pure.capture.stored import stored
from leads.pure.web_forms.answers import Answers, Asked, Context, item_of, read_answers, words_of

TOKEN_FOR = timedelta(days=2)
LINK_FOR = timedelta(days=7)
TOLD_FOR = timedelta(days=180)
_SIGNER = Signer(salt="leads.web_forms.opened")


@dataclass(frozen=True, slots=True)
class FirstVisit:
    """What a browser remembers of the visitor's first page, by its own clock."""

    at: datetime
    page: str
    referrer: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent. ``token`` is that of `opened`; ``trap`` what stood in the field nobody sees."""

    given: Mapping[str, Any]
    token: str
    trap: str
    context: Context
    first: FirstVisit | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Kept: ``submission`` may be told to whoever sent it."""

    submission: Submission


def opened(*, form: WebForm, context: Context, at: datetime) -> str:
    """What a form that is shown carries: when it was opened, and how the visitor came, signed."""
    told = {"k": str(form.key), "t": at.timestamp(), "p": context.landing_page[:1000], "r": context.referrer[:1000]}
    return _SIGNER.sign_object({**told, "v": context.visitor_id[:64]}, compress=True)


def receive_answers(*, form: WebForm, asked: Asked, sent: Sent, at: datetime) -> Taken | Answers:
    """Keep what was sent; Answers with faults where it cannot be taken as it is.

    What a program filled in is kept as spam and answered like everything else. A sign-up that is to be confirmed waits
    for that; all else is due at once.
    """
    read = read_answers(asked, sent.given)
    was = _opened(sent.token, form, at)
    if was is None:
        read.faults.setdefault("", words_of(asked.language).token)
    if read.faults or was is None:
        return read
    open_at, context = was[0], _context(sent.context, was[1])
    item = item_of(asked, read, context, at)
    spam = _spam(form, sent, context, (at - open_at).total_seconds())
    state = Submission.State.QUEUED
    if spam:
        state = Submission.State.SPAM
    elif form.confirms_email:
        state = Submission.State.UNCONFIRMED
    with transaction.atomic():
        submission = Submission.objects.create(
            received_at=at,
            source=f"form: {form.name}"[:80],
            payload=_payload(form, sent, context),
            item=stored(item),
            form=form,
            state=state,
            due_at=at if state == Submission.State.QUEUED else None,
            errors=[{"pointer": "", "code": "spam", "detail": spam}] if spam else [],
        )
        if state == Submission.State.UNCONFIRMED:
            ConfirmationMail.objects.create(
                submission=submission, email=item.email, not_before=at, expires_at=at + LINK_FOR
            )
        _keep_first(sent.first, context, at)
    return Taken(submission)


def _opened(token: str, form: WebForm, at: datetime) -> tuple[datetime, Context] | None:
    """When and how the form was opened; None for a token that is not ours, of another form, or too old."""
    try:
        told = _SIGNER.unsign_object(token)
        open_at = datetime.fromtimestamp(told["t"], UTC)
        context = Context(told["p"], told["r"], told["v"])
    except (BadSignature, ValueError, KeyError, TypeError):
        return None
    return (open_at, context) if told["k"] == str(form.key) and at - open_at < TOKEN_FOR else None


def _context(said: Context, was: Context) -> Context:
    """What came with the form; where that says nothing, how it was when the form was opened."""
    return replace(
        said,
        landing_page=said.landing_page or was.landing_page,
        referrer=said.referrer if said.landing_page else was.referrer,
        visitor_id=said.visitor_id or was.visitor_id,
    )


def _spam(form: WebForm, sent: Sent, context: Context, seconds: float) -> str:
    if sent.trap:
        return "The field that only programs see was filled in."
    if seconds < form.fastest_seconds:
        return f"Sent {max(seconds, 0):.1f} s after it was opened; people need {form.fastest_seconds} s."
    if touch_exclusion(context.user_agent, "page_view"):
        return "The browser says that it is a program."
    return ""


def _payload(form: WebForm, sent: Sent, context: Context) -> dict[str, Any]:
    names = [each["name"] for each in form.fields] + ["consent"]
    given = {name: str(sent.given[name])[:2000].replace("\0", "") for name in names if name in sent.given}
    return {
        "values": given,
        "landing_page": context.landing_page,
        "referrer": context.referrer,
        "user_agent": context.user_agent[:300],
    }


def _keep_first(first: FirstVisit | None, context: Context, at: datetime) -> None:
    """Keep the first page that the browser remembers, for where no visit was recorded at the time."""
    if first is None or not context.visitor_id or not at - TOLD_FOR < first.at <= at:
        return
    PageView.objects.create(
        visitor_id=context.visitor_id,
        viewed_at=first.at,
        page=first.page[:1000],
        referrer=first.referrer[:1000],
        user_agent=context.user_agent[:300],
        is_told=True,
    )
