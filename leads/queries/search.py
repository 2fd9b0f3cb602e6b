"""Find leads, accounts, deals and campaigns by how their names begin, among what a person may see.

Each field is asked by itself, along its index and with a limit, so that an answer costs the same at a thousand rows and
at a million. Every word must begin some field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from leads.models import Account, Campaign, Lead, Opportunity, User
from leads.models.prefix import LAST, PrefixKey

MOST_WORDS = 5
SHORTEST = 2
# Of a word as common as that only the first rows are looked at; another word then has to narrow it.
MOST_LOOKED_AT = 10_000
AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(frozen=True, slots=True)
class Found:
    """One record: what it is called, what tells it from others, and its row."""

    kind: str
    title: str
    detail: str
    row: Any


def words_of(text: str) -> list[str]:
    """The words to look for, the longest first: it narrows most. None where every word is too short."""
    words = sorted(set(text.lower().split()), key=lambda word: (-len(word), word))[:MOST_WORDS]
    return words if words and len(words[0]) >= SHORTEST else []


def find_leads(text: str, *, user: User | None, limit: int) -> list[Found]:
    """Leads by name, email address or company; ``user`` None reads the whole company's, as an API key does."""
    rows = leads_of(user)
    found = _found(rows, text, ("last_name", "first_name", "email", "company"), limit)
    exact = rows.filter(external_id=text.strip())[:1] if text.strip() else []
    leads = list({lead.pk: lead for lead in [*exact, *found]}.values())[:limit]
    return [
        Found("lead", lead.display_name, " · ".join(part for part in (lead.company, lead.email) if part), lead)
        for lead in leads
    ]


def leads_of(user: User | None) -> QuerySet[Lead]:
    """The same as ``Lead.objects.visible_to``, said so that SQLite reads the index of names: given a plain
    ``merged_into IS NULL`` it takes that one's index, which holds nearly every lead."""
    live = Lead.objects.alias(survivor=Coalesce("merged_into", Value(0))).filter(survivor=0)
    return live if user is None or user.sees_all else live.filter(owner=user)


def find_accounts(text: str, *, user: User | None, limit: int) -> list[Found]:
    """Accounts by name or domain; a rep's are those they own or have leads of."""
    rows = Account.objects.all()
    if user and not user.sees_all:
        rows = rows.filter(Q(owner=user) | Exists(Lead.objects.visible_to(user).filter(account=OuterRef("pk"))))
    return [
        Found("account", account.name, account.domain or "", account)
        for account in _found(rows, text, ("name", "domain"), limit)
    ]


def find_deals(text: str, *, user: User | None, limit: int) -> list[Found]:
    """Deals by name, or by the name of their account."""
    rows = (Opportunity.objects.visible_to(user) if user else Opportunity.objects.all()).kept()
    rows = rows.select_related("account", "stage")
    deals = _found(rows, text, ("name",), limit)
    if len(deals) < limit:
        accounts = [found.row.pk for found in find_accounts(text, user=None, limit=limit)]
        more = rows.filter(account__in=accounts).order_by("-opened_at", "pk")[:limit]
        deals = list({deal.pk: deal for deal in [*deals, *more]}.values())[:limit]
    return [
        Found("deal", deal.name, f"{deal.account.name} · {deal.stage}" if deal.account else deal.stage.name, deal)
        for deal in deals
    ]


def find_campaigns(text: str, *, limit: int) -> list[Found]:
    """Campaigns by any part of name or code: there are few. Whether a person may see them, the caller says."""
    words = words_of(text)
    rows = Campaign.objects.select_related("channel")
    for word in words:
        rows = rows.filter(Q(name__icontains=word) | Q(code__icontains=word))
    return [
        Found("campaign", campaign.name, campaign.channel.name, campaign)
        for campaign in (rows.order_by("name", "pk")[:limit] if words else ())
    ]


def _found(rows: QuerySet[AnyModel], text: str, fields: Sequence[str], limit: int) -> list[AnyModel]:
    """Rows of which a field begins with the whole text, then those in which every word begins a field; those of earlier
    fields first, each field in order."""
    words = words_of(text)
    if not words:
        return []
    keyed = rows.alias(**{f"{field}_key": PrefixKey(field) for field in fields})
    phrase = " ".join(text.lower().split())
    found: dict[object, AnyModel] = {}
    for field in fields:
        for row in keyed.filter(_begins(field, phrase)).order_by(f"{field}_key")[:limit]:
            found.setdefault(row.pk, row)
    if len(words) > 1 and len(found) < limit:
        for row in _by_words(keyed, words, fields, limit):
            found.setdefault(row.pk, row)
    return list(found.values())[:limit]


def _by_words(rows: QuerySet[AnyModel], words: list[str], fields: Sequence[str], limit: int) -> list[AnyModel]:
    """Rows with all words. The rarest word is looked up, the others are looked for among what it found."""
    everything = rows.model._default_manager.alias(**{f"{field}_key": PrefixKey(field) for field in fields})
    rarest = next((word for word in words if not _is_common(everything, word, fields)), words[0])
    among = rows
    for word in words:
        if word != rarest:
            condition = Q()
            for field in fields:
                condition |= _begins(field, word)
            among = among.filter(condition)
    found: dict[object, AnyModel] = {}
    for field in fields:
        candidates = everything.filter(_begins(field, rarest)).order_by(f"{field}_key").values("pk")[:MOST_LOOKED_AT]
        for row in among.filter(pk__in=candidates)[:limit]:
            found.setdefault(row.pk, row)
    return sorted(found.values(), key=lambda row: str(row))


def _is_common(everything: QuerySet[AnyModel], word: str, fields: Sequence[str]) -> bool:
    """Whether more rows begin so than are looked at."""
    return any(
        everything.filter(_begins(field, word)).order_by(f"{field}_key").values("pk")[MOST_LOOKED_AT:][:1]
        for field in fields
    )


def _begins(field: str, word: str) -> Q:
    condition = Q()
    for start in spellings(word):
        condition |= Q(**{f"{field}_key__gte": start, f"{field}_key__lt": start + LAST})
    return condition


def spellings(word: str) -> list[str]:
    """A word in lower case as both databases have it: SQLite lowers A to Z alone, so "Ö" stays as it was written."""
    if word.isascii():
        return [word]
    return sorted({_ascii_lower(spelled) for spelled in (word, word.capitalize(), word.upper())})


def _ascii_lower(text: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)
