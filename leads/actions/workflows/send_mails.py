"""Send the emails of workflows: each is claimed first, and what may have left is never sent again by itself.

See docs/decisions/0019.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from leads.actions.notifications.notify import notify
from leads.actions.workflows.opt_out import opt_out_url
from leads.models import Company, Enrollment, Lead, Role, User, WorkflowMail
from leads.pure.mail import NOT_SENT
from leads.pure.refused import Refused
from leads.pure.workflows.definition import mail_moment
from leads.queries.mail import opt_outs
from leads.queries.workflows.access import may_change_workflows

log = structlog.get_logger(__name__)

AT_ONCE = 500
TRIES = 5
SILENCE = timedelta(minutes=10)
"""A claim of so long ago was left behind. Longer than any time-out of ours."""
State = WorkflowMail.State
_GOES_ON = (Enrollment.State.RUNNING, Enrollment.State.COMPLETED)


class MailRefused(Refused):
    """There is nothing to decide about the email."""


def send_workflow_mails(*, at: datetime) -> int:
    """Send what waits; returns how many went out. What a dead worker left is listed for a person."""
    _list_unclear(at)
    company = Company.current()
    waiting = WorkflowMail.objects.filter(
        state=State.WAITING, not_before__lte=at, enrollment__workflow__is_on=True
    ).select_related("enrollment__lead", "enrollment__version", "enrollment__workflow")
    sent = 0
    for mail in waiting.order_by("not_before", "pk")[:AT_ONCE]:
        sent += _send_one(mail, company, at)
    return sent


def _send_one(mail: WorkflowMail, company: Company, at: datetime) -> int:
    mine = WorkflowMail.objects.filter(pk=mail.pk, state=State.WAITING, attempts=mail.attempts)
    version = mail.enrollment.version
    moment = mail_moment(
        at, company.hours, version.mails_from, version.mails_until, business_days=version.on_business_days
    )
    if moment > at:  # it became late: no worker was there
        mine.update(not_before=moment)
        return 0
    # Committed before anything leaves, and what is read afterwards is as new as can be.
    if mine.update(state=State.SENDING, attempts=F("attempts") + 1, claimed_at=at) != 1:
        return 0
    ours = WorkflowMail.objects.filter(pk=mail.pk, state=State.SENDING, claimed_at=at)
    if why := _why_withheld(mail):
        ours.update(state=State.WITHHELD, said=why[:200])
        return 0
    try:
        _message(mail, company).send()
    except NOT_SENT as error:
        return _put_off(mail, type(error).__name__, at)
    except ValidationError:
        ours.update(state=State.FAILED, said="This is not an email address.")
        return 0
    except OSError as error:
        log.warning("workflow_mail_unclear", error=type(error).__name__)
        ours.update(state=State.UNCLEAR, said=f"The mail server did not answer clearly: {type(error).__name__}"[:200])
        _tell(at)
        return 0
    ours.update(state=State.SENT, sent_at=at, said="")
    return 1


def _put_off(mail: WorkflowMail, error: str, at: datetime) -> int:
    again = mail.attempts + 1 < TRIES
    log.warning("workflow_mail_not_sent", error=error)
    WorkflowMail.objects.filter(pk=mail.pk, state=State.SENDING, claimed_at=at).update(
        state=State.WAITING if again else State.FAILED,
        not_before=at + timedelta(minutes=2 ** (mail.attempts + 1)),
        said=f"Not accepted by the mail server: {error}"[:200],
    )
    return 0


def _why_withheld(mail: WorkflowMail) -> str:
    """Why the email must not go out any more."""
    row = Enrollment.objects.select_related("lead").get(pk=mail.enrollment_id)
    lead = row.lead
    if lead.merged_into_id is not None:
        lead = Lead.objects.filter(email=mail.email, merged_into__isnull=True).first() or lead
    if refused := opt_outs([lead]).get(lead.pk):
        return f"No email may be sent: {refused.words}."
    if row.state not in _GOES_ON:
        return f"The enrollment ended before it was sent: {row.get_state_display().lower()}."
    return ""


def _message(mail: WorkflowMail, company: Company) -> EmailMultiAlternatives:
    validate_email(mail.email)  # "a@x, evil@y" passes as a header
    url = opt_out_url(mail=mail)
    context = {"mail": mail, "company_name": company.name, "opt_out_url": url}
    message = EmailMultiAlternatives(
        mail.subject,
        render_to_string("emails/workflow.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [mail.email],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={
            "Message-ID": message_id(mail=mail),
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    message.attach_alternative(render_to_string("emails/workflow.html", context), "text/html")
    return message


def message_id(*, mail: WorkflowMail) -> str:
    """How the email is found in the mail server's log."""
    return f"<{mail.public_id}@{settings.PORTAL_URL.split('://')[-1].split('/')[0].split(':')[0]}>"


def _list_unclear(at: datetime) -> None:
    left = WorkflowMail.objects.filter(state=State.SENDING, claimed_at__lt=at - SILENCE)
    if left.update(state=State.UNCLEAR, said="The worker stopped while it was sending."):
        _tell(at)


def _tell(at: datetime) -> None:
    """Tell the admins once an hour."""
    notify(
        kind="workflow_trouble",
        key=f"workflow_mail:{at:%Y-%m-%dT%H}",
        title="An email of a workflow may not have been sent",
        text="Nobody can tell whether it left. It is not sent again by itself: please decide.",
        link=reverse("leads:workflow-mails"),
        to=list(User.objects.active().filter(role=Role.ADMIN).order_by("pk")),
        at=at,
    )


@transaction.atomic
def settle_mail(*, mail: WorkflowMail, was_sent: bool, again: bool, by: User, at: datetime) -> None:
    """Let a person decide about an email that is unclear: it was sent, it is sent again, or it is given up.

    Raises MailRefused.
    """
    if not may_change_workflows(by):
        raise MailRefused("Admins decide about emails of workflows.")
    mine = WorkflowMail.objects.filter(pk=mail.pk, state__in=[State.UNCLEAR, State.FAILED])
    if was_sent:
        changed = mine.update(state=State.SENT, settled_by=by, said="Marked as sent")
    elif again:
        changed = mine.update(state=State.WAITING, not_before=at, attempts=0, settled_by=by, said="Sent again")
    else:
        changed = mine.update(state=State.WITHHELD, settled_by=by, said="Given up")
    if changed != 1:
        raise MailRefused("There is nothing to decide about this email any more.")
