"""Confirm a sign-up by the link of its mail, and send those mails."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from leads.actions.web_forms.receive_answers import LINK_FOR
from leads.models import Company, ConfirmationMail, Role, Submission, User
from leads.pure.mail import NOT_SENT
from leads.pure.refused import Refused
from leads.pure.web_forms.mails import mail_words

log = structlog.get_logger(__name__)

AT_ONCE = 200
TRIES = 5
_SIGNER = Signer(salt="leads.web_forms.confirm")
State = ConfirmationMail.State


class ConfirmRefused(Refused):
    """The link does not work; the message says why."""


def confirmed_by_link(*, token: str, at: datetime) -> Submission:
    """The sign-up of a link. Raises ConfirmRefused for one that is forged or too old."""
    try:
        public_id = _SIGNER.unsign(token)
    except BadSignature:
        raise ConfirmRefused("This link is not valid.") from None
    rows = Submission.objects.select_related("form", "confirmation")
    submission = rows.filter(public_id=public_id, confirmation__isnull=False).first()
    if submission is None:
        raise ConfirmRefused("This link is not valid any more.")
    if submission.confirmed_at is None and at >= submission.confirmation.expires_at:
        raise ConfirmRefused("This link has expired. Please sign up again.")
    return submission


@transaction.atomic
def confirm_sign_up(*, token: str, at: datetime) -> Submission:
    """Take the sign-up of a link, once; repeats change nothing. Raises ConfirmRefused.

    It counts from the confirmation on: only since then is it the person's wish.
    """
    submission = confirmed_by_link(token=token, at=at)
    mine = Submission.objects.select_for_update().filter(pk=submission.pk, state=Submission.State.UNCONFIRMED)
    if (row := mine.first()) is None:
        return submission
    item, moment = dict(row.item or {}), at.isoformat()
    item["event"] = {**item["event"], "occurred_at": moment}
    if consent := item.get("consent"):
        item["consent"] = {**consent, "given_at": moment}
    mine.update(state=Submission.State.QUEUED, item=item, due_at=at, confirmed_at=at)
    submission.confirmed_at = at
    return submission


def link_to(submission: Submission) -> str:
    """The address that confirms a sign-up."""
    token = _SIGNER.sign(str(submission.public_id))
    return f"{settings.PORTAL_URL}{reverse('leads:sign-up-confirm', args=[token])}"


def send_confirmations(*, at: datetime) -> int:
    """Send the mails that wait; returns how many went out.

    Each is claimed first and never sent twice: where a worker dies while sending, the mail stays listed as unclear.
    An address that was asked within the life of a link is not asked again, whatever the form.
    """
    sent = 0
    waiting = ConfirmationMail.objects.filter(state=State.WAITING, not_before__lte=at).order_by("not_before", "pk")
    for mail in waiting.select_related("submission__form")[:AT_ONCE]:
        mine = ConfirmationMail.objects.filter(pk=mail.pk, state=State.WAITING, attempts=mail.attempts)
        if _was_asked(mail, at):
            mine.update(state=State.FAILED, attempts=mail.attempts + 1)
            continue
        if mine.update(state=State.SENDING, attempts=mail.attempts + 1) != 1:
            continue
        sent += _send(mail, at)
    return sent


@transaction.atomic
def send_again(*, submission: Submission, by: User, at: datetime) -> None:
    """Let a person send the mail of an unconfirmed sign-up once more, where it was not sent or that is unclear."""
    if not by.has_role(Role.ADMIN):
        raise ConfirmRefused("Admins send confirmation mails.")
    rows = ConfirmationMail.objects.filter(
        submission=submission, state__in=[State.SENDING, State.FAILED], submission__state=Submission.State.UNCONFIRMED
    )
    if rows.update(state=State.WAITING, not_before=at, expires_at=at + LINK_FOR, attempts=0) != 1:
        raise ConfirmRefused("This sign-up waits for no mail.")


def _was_asked(mail: ConfirmationMail, at: datetime) -> bool:
    asked = ConfirmationMail.objects.filter(email=mail.email, state__in=[State.SENT, State.SENDING], expires_at__gt=at)
    return asked.filter(submission__confirmed_at__isnull=True).exclude(pk=mail.pk).exists()


def _send(mail: ConfirmationMail, at: datetime) -> int:
    row = ConfirmationMail.objects.filter(pk=mail.pk)
    form = mail.submission.form
    language = form.language if form else "en"
    words, title = mail_words(language), form.title if form else ""
    context = {
        "words": words,
        "language": language,
        "url": link_to(mail.submission),
        "title": title,
        "company_name": Company.current().name,
    }
    try:
        validate_email(mail.email)
        message = EmailMultiAlternatives(
            f"{words.subject}: {' '.join(title.split())}"[:160],
            render_to_string("emails/confirm_sign_up.txt", context),
            settings.DEFAULT_FROM_EMAIL,
            [mail.email],
        )
        message.attach_alternative(render_to_string("emails/confirm_sign_up.html", context), "text/html")
        message.send()
    except ValidationError:
        row.update(state=State.FAILED)
        return 0
    except NOT_SENT as error:
        log.warning("confirmation_not_sent", error=type(error).__name__)
        again = mail.attempts + 1 < TRIES
        pause = timedelta(minutes=2 ** (mail.attempts + 1))
        row.update(state=State.WAITING if again else State.FAILED, not_before=at + pause)
        return 0
    except OSError as error:
        log.warning("confirmation_unclear", error=type(error).__name__)
        return 0
    row.update(state=State.SENT, sent_at=at)
    return 1
