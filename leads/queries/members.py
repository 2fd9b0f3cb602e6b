"""Members of a campaign: whom it reached or who was added, and who responded. Statuses follow from touchpoints."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from leads.models import Campaign, CampaignMember, CampaignResponse, Lead, Role, TouchKind, Touchpoint, User

USUAL = (
    TouchKind.FORM_SUBMISSION,
    TouchKind.EMAIL_SIGNUP,
    TouchKind.WEBINAR_REGISTRATION,
    TouchKind.WEBINAR_ATTENDANCE,
    TouchKind.EMAIL_CLICK,
    TouchKind.EMAIL_REPLY,
    TouchKind.EVENT_VISIT,
    TouchKind.CALL,
    TouchKind.MEETING,
)
"""Kinds of touchpoint that count as a response where a campaign says nothing else."""
RESPONDED, REACHED, ADDED = "responded", "reached", "added"
STATUSES = ((RESPONDED, "Responded"), (REACHED, "Reached"), (ADDED, "Added"))
SORTS = {"lead": "last_name", "since": "member_since", "responded": "responded_at"}


def may_change_members(user: User) -> bool:
    """Whether a person may say what counts as a response."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def response_kinds(campaign: Campaign) -> tuple[str, ...]:
    """The kinds of touchpoint that count as a response to the campaign."""
    own = CampaignResponse.objects.filter(campaign=campaign).first()
    return tuple(own.kinds) if own else tuple(str(kind) for kind in USUAL)


def members(campaign: Campaign, user: User) -> QuerySet[Lead]:
    """Leads in the campaign that the person may see, each with ``status``, ``member_since`` and ``responded_at``.

    Whoever has a genuine touchpoint of it was reached; one of the kinds that count makes it a response.
    """
    touches = Touchpoint.objects.genuine().filter(lead=OuterRef("pk"), campaign=campaign)
    added = CampaignMember.objects.filter(lead=OuterRef("pk"), campaign=campaign)
    answers = touches.filter(kind__in=response_kinds(campaign))

    def first(rows: QuerySet[Touchpoint]) -> Subquery:
        return Subquery(rows.order_by().values("lead").annotate(first=Min("occurred_at")).values("first"))

    rows = Lead.objects.visible_to(user).filter(Exists(touches) | Exists(added))
    annotated = rows.annotate(
        responded_at=first(answers),
        reached_at=first(touches),
        added_at=Subquery(added.values("added_at")[:1]),
    )
    return annotated.annotate(
        member_since=Case(
            When(added_at__lt=F("reached_at"), then=F("added_at")), default=Coalesce("reached_at", "added_at")
        ),
        status=Case(
            When(Q(responded_at__isnull=False), then=Value(RESPONDED)),
            When(Q(reached_at__isnull=False), then=Value(REACHED)),
            default=Value(ADDED),
            output_field=CharField(),
        ),
    )


def counts(campaign: Campaign, user: User) -> dict[str, int]:
    """How many members have each status."""
    found = dict.fromkeys((key for key, _ in STATUSES), 0)
    rows: Any = members(campaign, user).order_by()
    return found | dict(rows.values_list("status").annotate(n=Count("pk")))
