"""Reading the system of record where one query set is not enough."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Count, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When

from leads.models import Assignment, FollowUp, Lead, LeadScore, Role, Stage, Touchpoint, User
from leads.pure.channels.channel_preview import Visits
from leads.pure.channels.channels import Visit
from leads.pure.spelling.identity import normalize_phone


@dataclass(slots=True)
class LeadStory:
    """What intake decided about a lead: newest score and assignment, next open follow-up; None where there is none."""

    score: LeadScore | None = None
    assignment: Assignment | None = None
    follow_up: FollowUp | None = None


def lead_stories(lead_ids: Collection[int]) -> dict[int, LeadStory]:
    """The story of each lead, in three queries however many there are."""
    stories = {lead_id: LeadStory() for lead_id in lead_ids}
    if not stories:
        return stories
    scores = LeadScore.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    for score in LeadScore.objects.filter(pk__in=scores):
        stories[score.lead_id].score = score
    choices = Assignment.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    for assignment in Assignment.objects.filter(pk__in=choices).select_related("territory", "owner"):
        stories[assignment.lead_id].assignment = assignment
    for follow_up in FollowUp.objects.open().filter(lead__in=lead_ids).order_by("-due_at"):
        stories[follow_up.lead_id].follow_up = follow_up
    return stories


def by_next_step(leads: QuerySet[Lead], at: datetime) -> QuerySet[Lead]:
    """Leads in the order in which a rep should take them, each with ``step_rank``, ``step_due_at`` and ``step_kind``.

    Overdue promises first (oldest first), then MQLs nobody has accepted or rejected, then promises to come, then the
    rest by score.
    """
    promises = FollowUp.objects.open().filter(lead=OuterRef("pk")).order_by("due_at", "pk")
    return leads.annotate(
        step_due_at=Subquery(promises.values("due_at")[:1]),
        step_kind=Subquery(promises.values("kind")[:1]),
        step_rank=Case(
            When(step_due_at__lt=at, then=Value(0)),
            When(stage=Stage.MQL, then=Value(1)),
            When(step_due_at__isnull=False, then=Value(2)),
            default=Value(3),
            output_field=IntegerField(),
        ),
    ).order_by("step_rank", F("step_due_at").asc(nulls_last=True), "-score", "-captured_at", "pk")


def visits_since(since: datetime | None) -> list[Visits]:
    """How touches arrived whose channel the rules may decide, alike ones counted together; all of them without a date.

    Left out are touches that told nothing of how they came, and those that only named a campaign, which is filed under
    a channel.
    """
    rows = judged_touches(since).annotate(page=_page()).order_by()
    names = ("utm_source", "utm_medium", "utm_campaign", "referrer", "page", "channel__key")
    return [
        Visits(Visit(*told), channel, count)
        for *told, channel, count in rows.values(*names).annotate(count=Count("pk")).values_list(*names, "count")
    ]


def judged_touches(since: datetime | None = None) -> QuerySet[Touchpoint]:
    """Touches that say how they came: by a tag of source or medium, a referrer, an unknown campaign or an address."""
    told = ~Q(utm_source="") | ~Q(utm_medium="") | ~Q(referrer="") | Q(campaign__isnull=True) & ~Q(landing_page="")
    rows = Touchpoint.objects.filter(told)
    return rows if since is None else rows.filter(occurred_at__gte=since)


def _page() -> Case:
    # The address counts only where no tag was kept; as it is different each time, it would tear alike visits apart.
    return Case(
        When(utm_source="", utm_medium="", utm_campaign="", then=F("landing_page")),
        default=Value(""),
        output_field=CharField(),
    )


# How many visitor ids of a lead are compared with others'; the newest ones say enough.
VISITORS = 50


@dataclass(frozen=True, slots=True)
class Likely:
    """A lead that may be the same person, and why."""

    lead: Lead
    because: tuple[str, ...]


def likely_duplicates(lead: Lead, among: QuerySet[Lead], limit: int = 10) -> list[Likely]:
    """Leads that may be the same person, those with most reasons first; in three queries.

    Suggestions for a person to judge: the same telephone number, the same name at the same company, the same browser.
    """
    number = normalize_phone(lead.phone, lead.country)
    wanted, visitors = Q(), set(_visitors(lead))
    if number:
        # Numbers are stored as they were written; the last two digits find those worth reading.
        wanted |= Q(phone__endswith=number[-2:])
    if lead.last_name and (lead.company or lead.account_id):
        company = Q(account=lead.account_id) if lead.account_id else Q()
        company |= Q(company__iexact=lead.company) if lead.company else Q()
        wanted |= Q(first_name__iexact=lead.first_name, last_name__iexact=lead.last_name) & company
    same_browser: set[int] = set()
    if visitors:
        touches = Touchpoint.objects.filter(visitor_id__in=visitors).exclude(visitor_id="").exclude(lead=lead)
        same_browser = set(touches.values_list("lead_id", flat=True).distinct()[: VISITORS * 2])
        wanted |= Q(pk__in=same_browser)
    if not wanted:
        return []
    rows = among.exclude(pk=lead.pk).filter(wanted).select_related("owner", "account").order_by("pk")
    found = [Likely(each, _alike(lead, number, each, same_browser)) for each in rows.iterator(chunk_size=1000)]
    ranked = sorted((each for each in found if each.because), key=lambda each: (-len(each.because), -each.lead.pk))
    return ranked[:limit]


def survivors(lead_ids: Iterable[int]) -> dict[int, int]:
    """The lead that each of these lives on in, itself where it was not merged; a query per link of the longest way."""
    ends = {lead_id: lead_id for lead_id in lead_ids}
    known: dict[int, int] = {}
    while unknown := set(ends.values()) - known.keys():
        links = Lead.objects.filter(pk__in=unknown, merged_into__isnull=False).values_list("pk", "merged_into")
        known |= {pk: pk for pk in unknown} | {pk: into for pk, into in links if into is not None}
        ends = {lead_id: known[end] for lead_id, end in ends.items()}
    return ends


def _visitors(lead: Lead) -> list[str]:
    touches = Touchpoint.objects.filter(lead=lead).exclude(visitor_id="").order_by("-occurred_at")
    return list(touches.values_list("visitor_id", flat=True)[:VISITORS])


def _alike(lead: Lead, number: str, other: Lead, same_browser: Collection[int]) -> tuple[str, ...]:
    def same(ours: str, theirs: str) -> bool:
        return bool(ours) and ours.casefold() == theirs.casefold()

    is_name = same(lead.last_name, other.last_name) and lead.first_name.casefold() == other.first_name.casefold()
    is_company = same(lead.company, other.company) or (lead.account_id and lead.account_id == other.account_id)
    reasons = (
        ("same telephone number", bool(number) and normalize_phone(other.phone, other.country) == number),
        ("same name and company", is_name and is_company),
        ("same browser", other.pk in same_browser),
    )
    return tuple(reason for reason, holds in reasons if holds)


# --- who may do what -------------------------------------------------------------------------------------------------


def may_work(user: User, lead: Lead) -> bool:
    """Whether a person may accept, reject or follow up: the owner, sales leaders and admins."""
    return lead.owner_id == user.pk or user.has_role(Role.SALES_LEADER, Role.ADMIN)


def may_merge(*, user: User, leads: Iterable[Lead]) -> bool:
    """Whether a person may merge these: admins and sales leaders any leads, others those that they own themselves."""
    return user.has_role(Role.ADMIN, Role.SALES_LEADER) or all(lead.owner_id == user.pk for lead in leads)


def may_enter_costs(user: User) -> bool:
    """Whether a person may say what a campaign cost: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_import(user: User) -> bool:
    """Whether a person may bring files in: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_read_channel_rules(user: User) -> bool:
    """Whether a person may see the channel rules and what they did: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_change_channel_rules(user: User) -> bool:
    """Whether a person may add, change, move, remove, take back and apply channel rules: admins."""
    return user.has_role(Role.ADMIN)
