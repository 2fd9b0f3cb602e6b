"""What conditions look at: the properties with their choices here, and the facts of many leads at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leads.models import (
    DETAILS,
    Campaign,
    CampaignMember,
    Channel,
    Company,
    Consent,
    Lead,
    Stage,
    Territory,
    Touchpoint,
    User,
)
from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.conditions.properties import ATTRIBUTE, EVENT, LEADS, Catalog
from leads.pure.spelling.countries import country_choices
from leads.pure.spelling.identity import email_domain
from leads.queries.mail import Stored, opt_outs

BATCH = 1_000
NEWEST_LEADS = 2_000
"""Custom attributes are offered when one of so many newest leads has them."""


def lead_catalog() -> Catalog:
    """Every property with the choices of this installation. Six queries."""
    users = [(str(user.public_id), user.name or user.email) for user in User.objects.order_by("name", "pk")]
    return LEADS.with_choices(
        country=country_choices(),
        stage=[(str(value), str(label)) for value, label in Stage.choices],
        consent=[(str(value), str(label)) for value, label in Consent.Basis.choices],
        channel=Channel.objects.order_by("position", "name").values_list("key", "name"),
        campaign=[(str(key), name) for key, name in Campaign.objects.order_by("name").values_list("public_id", "name")],
        territory=[(str(pk), name) for pk, name in Territory.objects.order_by("name").values_list("pk", "name")],
        owner=users,
        account_owner=users,
    ).with_attributes(_attributes())


def _attributes() -> list[str]:
    newest = Lead.objects.exclude(attributes={}).order_by("-pk").values_list("attributes", flat=True)[:NEWEST_LEADS]
    return sorted({name for held in newest for name in held})


def facts_of(
    leads: Collection[Lead] | Collection[int],
    *,
    properties: Iterable[str] | None = None,
    until: datetime | None = None,
    tz: ZoneInfo | None = None,
    stored: Stored | None = None,
) -> dict[int, Facts]:
    """The facts of leads by key; of ``properties`` alone where they are named (see `Group.properties`).

    At most seven queries per 1,000 leads, whatever is asked. Events after ``until`` are left out. ``tz`` is the
    company's zone, asked for when it is not given. Whose touchpoints are ``stored`` at hand needs no look-up of them.
    """
    zone = tz or Company.current().tz
    wanted = None if properties is None else frozenset(properties)
    rows = list(leads)
    found: dict[int, Facts] = {}
    for start in range(0, len(rows), BATCH):
        found |= _batch(rows[start : start + BATCH], wanted, until, zone, stored or {})
    return found


def _batch(
    rows: list[Any], wanted: frozenset[str] | None, until: datetime | None, tz: ZoneInfo, stored: Stored
) -> dict[int, Facts]:
    keys = [row.pk if isinstance(row, Lead) else row for row in rows]
    if not rows or not isinstance(rows[0], Lead):
        rows = list(Lead.objects.filter(pk__in=keys).select_related("account", "channel"))
    memberships = _memberships(keys) if _needs(wanted, "campaign") else {}
    consents = _consents(keys) if _needs(wanted, "consent") else {}
    mute = opt_outs(rows, stored) if _needs(wanted, "is_unsubscribed") else {}
    owners = _owners(rows) if _needs(wanted, "owner", "account_owner") else {}
    events = events_of(keys, _kinds(wanted), until, tz, stored)
    return {
        lead.pk: Facts(
            {
                **lead_values(lead, tz),
                "is_unsubscribed": lead.pk in mute and mute[lead.pk].reason != "bounced",
                "campaign": memberships.get(lead.pk, ()),
                "consent": consents.get(lead.pk, ()),
                "owner": owners.get(lead.owner_id, ""),
                "account_owner": owners.get(lead.account.owner_id if lead.account else None, ""),
            },
            events.get(lead.pk, ()),
        )
        for lead in rows
    }


def lead_values(lead: Lead, tz: ZoneInfo) -> dict[str, object]:
    """What the lead's own row, its account and its first channel say; no further query if those are at hand."""
    values: dict[str, object] = {ATTRIBUTE + name: value for name, value in lead.attributes.items()}
    values |= {name: getattr(lead, name) for name in DETAILS}
    values |= {
        "email": lead.email or "",
        "email_domain": email_domain(lead.email) if lead.email else "",
        "channel": lead.channel.key if lead.channel else "",
        "created": lead.captured_at.astimezone(tz).date(),
        "stage": lead.stage,
        "score": lead.score,
        "territory": str(lead.territory_id or ""),
    }
    if account := lead.account:
        values["account"] = account.domain or account.name
        values["account_name"] = account.name
        values["industry"] = lead.industry or account.industry
        if lead.company_size is None:
            values["company_size"] = account.company_size
    return values


def events_of(
    lead_ids: Collection[int],
    kinds: Collection[str] | None,
    until: datetime | None,
    tz: ZoneInfo,
    stored: Stored | None = None,
) -> dict[int, list[Event]]:
    """Genuine touchpoints of leads as events, oldest first; of some kinds alone if they are named.

    One query, and none for those whose touchpoints are ``stored`` at hand.
    """
    if kinds is not None and not kinds:
        return {}
    at_hand = stored or {}
    rows = [
        (lead_id, touch.kind, touch.name, touch.occurred_at)
        for lead_id in lead_ids
        for touch in at_hand.get(lead_id, ())
        if not touch.exclusion
        and (kinds is None or touch.kind in kinds)
        and (until is None or touch.occurred_at <= until)
    ]
    if looked_up := [lead_id for lead_id in lead_ids if lead_id not in at_hand]:
        touches = Touchpoint.objects.genuine().filter(lead__in=looked_up)
        if kinds is not None:
            touches = touches.filter(kind__in=kinds)
        if until is not None:
            touches = touches.filter(occurred_at__lte=until)
        rows += touches.values_list("lead_id", "kind", "name", "occurred_at")
    found: dict[int, list[Event]] = {}
    for lead_id, kind, name, at in rows:
        found.setdefault(lead_id, []).append(Event(kind, name, at, at.astimezone(tz).date()))
    for events in found.values():
        events.sort(key=lambda each: (each.at, each.name))
    return found


def _needs(wanted: frozenset[str] | None, *properties: str) -> bool:
    return wanted is None or any(each in wanted for each in properties)


def _kinds(wanted: frozenset[str] | None) -> list[str] | None:
    if wanted is None:
        return None
    return [each.removeprefix(EVENT) for each in wanted if each.startswith(EVENT)]


def _memberships(lead_ids: Collection[int]) -> Mapping[int, list[str]]:
    """The campaigns that reached each lead or that it was added to, and the programs above those."""
    ups = {pk: (str(key), parent) for pk, key, parent in Campaign.objects.values_list("pk", "public_id", "parent")}
    reached = Touchpoint.objects.genuine().filter(lead__in=lead_ids, campaign__isnull=False)
    added = CampaignMember.objects.filter(lead__in=lead_ids).values_list("lead_id", "campaign_id")
    found: dict[int, dict[str, None]] = {}
    for lead_id, campaign in (
        reached.values_list("lead_id", "campaign_id").order_by().union(added).order_by("lead_id", "campaign_id")
    ):
        step: int | None = campaign
        while step is not None and step in ups:
            key, step = ups[step]
            found.setdefault(lead_id, {})[key] = None
    return {lead_id: list(keys) for lead_id, keys in found.items()}


def _consents(lead_ids: Collection[int]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    for lead_id, basis in Consent.objects.filter(lead__in=lead_ids).values_list("lead_id", "basis").distinct():
        found.setdefault(lead_id, []).append(basis)
    return found


def _owners(rows: Iterable[Lead]) -> Mapping[int | None, str]:
    wanted = {lead.owner_id for lead in rows} | {lead.account.owner_id for lead in rows if lead.account}
    pairs = User.objects.filter(pk__in=wanted - {None}).values_list("pk", "public_id")
    return {pk: str(public_id) for pk, public_id in pairs}
