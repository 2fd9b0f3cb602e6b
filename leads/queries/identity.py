"""Who may be the same person, and in whom a merged lead lives on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from leads.models import Lead, Role, Touchpoint, User
from leads.pure.spelling.phones import normalize_phone

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


def may_merge(*, user: User, leads: Iterable[Lead]) -> bool:
    """Whether a person may merge these: admins and sales leaders any leads, others those that they own themselves."""
    return user.has_role(Role.ADMIN, Role.SALES_LEADER) or all(lead.owner_id == user.pk for lead in leads)
