"""Who may do what with forms, which origins may send them, and what became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from leads.models import FormViews, Role, Submission, User, WebForm
from leads.pure.web_forms.answers import Asked
from leads.pure.web_forms.definition import fields_of

State = Submission.State


def may_read_forms(user: User) -> bool:
    """Whether a person may see forms and what they brought: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_change_forms(user: User) -> bool:
    """Whether a person may build and change forms: admins."""
    return user.has_role(Role.ADMIN)


def open_form(key: UUID) -> WebForm | None:
    """The form of a public key, if it is open."""
    return WebForm.objects.select_related("campaign").filter(key=key, is_open=True).first()


def forms_with_counts() -> QuerySet[WebForm]:
    """Forms with ``shown`` (None: no browser said so), ``sent``, ``spam``, ``waiting``, ``people`` and ``newest``.

    Sent are submissions that are no spam; people are distinct leads.
    """
    sent = Submission.objects.filter(form=OuterRef("pk")).order_by().values("form")
    counts: dict[str, Any] = {
        "sent": Count("pk", filter=~Q(state=State.SPAM)),
        "spam": Count("pk", filter=Q(state=State.SPAM)),
        "waiting": Count("pk", filter=Q(state=State.UNCONFIRMED)),
        "people": Count("lead", distinct=True),
    }
    annotations: dict[str, Any] = {
        name: Coalesce(Subquery(sent.annotate(n=count).values("n")), 0) for name, count in counts.items()
    }
    newest = Subquery(sent.annotate(n=Max("received_at")).values("n"))
    views = FormViews.objects.filter(form=OuterRef("pk")).order_by().values("form")
    shown = Subquery(views.annotate(n=Sum("count")).values("n"))
    return WebForm.objects.annotate(**annotations, newest=newest, shown=shown)


@dataclass(frozen=True, slots=True)
class Attendance:
    """What a webinar's file said of those who registered."""

    registered: int
    attended: int
    no_shows: int


def attendance_of(form: WebForm) -> Attendance:
    """How many registered, came, and did not come."""
    rows = Submission.objects.filter(form=form, state=State.ACCEPTED).order_by().values_list("attendance")
    found: dict[str, int] = dict(rows.annotate(n=Count("lead", distinct=True)))
    kinds = Submission.Attendance
    return Attendance(sum(found.values()), found.get(kinds.ATTENDED, 0), found.get(kinds.NO_SHOW, 0))


def is_among(origin: str, origins: Collection[str]) -> bool:
    """Whether a page of this origin may send."""
    return origin.lower().rstrip("/") in {each.lower().rstrip("/") for each in origins}


def asked_by(form: WebForm) -> Asked:
    """The form as far as reading its answers goes; asks the database for the consent in force."""
    consent = form.consent_texts.order_by("-number").first()
    return Asked(
        fields=fields_of(form.fields),
        name=form.name,
        kind=form.kind,
        campaign=form.campaign.code if form.campaign else "",
        language=form.language,
        consent=consent.text if consent else "",
        consent_required=bool(consent and consent.is_required),
    )
