"""Past leads as they came to be known, for rules that are tried on them: versions of facts, events by their day."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Min

from leads.models import (
    DETAILS,
    Account,
    Campaign,
    Consent,
    Lead,
    LifecyclePassage,
    Stage,
    Touchpoint,
)
from leads.past.steps import Values, versions
from leads.pure.conditions.evaluate import Event
from leads.pure.conditions.properties import ATTRIBUTE, EVENT
from leads.pure.scoring.back_test import PastLead
from leads.pure.spelling.identity import email_domain
from leads.queries.conditions import events_of

_LEAD = (*DETAILS, "email", "attributes", "account_id")
_ACCOUNT = ("name", "domain", "industry", "company_size")
_OUT, _IN = ("email_unsubscribe", "email_complaint"), "email_signup"
OUTCOME = (Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER)
Dated = Sequence[tuple[datetime, Values]]


def past_leads(lead_ids: Collection[int], properties: frozenset[str], tz: ZoneInfo) -> list[PastLead]:
    """These leads with what was known on each day of what rules look at; at most eight queries.

    Values are those of the versions known then; those of the first version hold for the days before it, as a lead can
    be recorded after its first touchpoint. Events count from the day on which they happened.
    """
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=lead_ids).select_related("channel")}
    held = versions(Lead, list(leads), _LEAD)
    accounts = versions(Account, _accounts(leads.values(), held), _ACCOUNT)
    kinds = {each.removeprefix(EVENT) for each in properties if each.startswith(EVENT)}
    events = events_of(list(leads), kinds, None, tz)
    moments = _Moments(list(leads), properties, tz)
    became = LifecyclePassage.objects.filter(lead__in=leads, to_stage__in=OUTCOME)
    outcomes = dict(became.values_list("lead").annotate(first=Min("passed_at")))
    return [
        PastLead(
            lead=pk,
            created_on=lead.captured_at.astimezone(tz).date(),
            stood=_stood(lead, held.get(pk, ()), accounts, moments, tz),
            events=events.get(pk, ()),
            outcome_on=outcomes[pk].astimezone(tz).date() if pk in outcomes else None,
        )
        for pk, lead in leads.items()
    ]


def _accounts(leads: Collection[Lead], held: Mapping[int, Dated]) -> list[int]:
    found = {lead.account_id for lead in leads}
    found |= {values["account_id"] for each in held.values() for _, values in each}
    return [pk for pk in found if pk is not None]


def _stood(
    lead: Lead, held: Dated, accounts: Mapping[int, Dated], moments: _Moments, tz: ZoneInfo
) -> list[tuple[date, Mapping[str, object]]]:
    """From which day on which values held; consecutive ones that are equal are one."""
    own: Dated = held or [(lead.captured_at, {name: getattr(lead, name) for name in _LEAD})]
    marks = {at for at, _ in own} | moments.of(lead.pk)
    for _, values in own:
        marks |= {at for at, _ in accounts.get(values["account_id"], ())}
    found: list[tuple[date, Mapping[str, object]]] = []
    for at in sorted(marks):
        stands = _at(own, at)
        account = _at(accounts.get(stands["account_id"], ()), at) if stands["account_id"] else None
        values = {**_values(lead, stands, account, tz), **moments.values(lead.pk, at)}
        if found and found[-1][1] == values:
            continue
        day = at.astimezone(tz).date()
        if found and found[-1][0] == day:
            found[-1] = (day, values)
        else:
            found.append((day, values))
    return found


def _at(held: Dated, at: datetime) -> Values:
    """The last version that was known at a moment; before all of them, the first."""
    found: Values = held[0][1] if held else {}
    for since, values in held:
        if since <= at:
            found = values
    return found


def _values(lead: Lead, stands: Values, account: Values | None, tz: ZoneInfo) -> dict[str, object]:
    """As `leads.queries.conditions.lead_values` tells them of the present."""
    values: dict[str, object] = {ATTRIBUTE + name: value for name, value in (stands["attributes"] or {}).items()}
    values |= {name: stands[name] for name in DETAILS}
    values |= {
        "email": stands["email"] or "",
        "email_domain": email_domain(stands["email"]) if stands["email"] else "",
        "channel": lead.channel.key if lead.channel else "",
        "created": lead.captured_at.astimezone(tz).date(),
    }
    if account:
        values["account"] = account["domain"] or account["name"]
        values["account_name"] = account["name"]
        values["industry"] = stands["industry"] or account["industry"]
        if stands["company_size"] is None:
            values["company_size"] = account["company_size"]
    return values


class _Moments:
    """What comes with dated rows rather than versions: campaign memberships, consents, unsubscriptions."""

    def __init__(self, lead_ids: Collection[int], properties: frozenset[str], tz: ZoneInfo) -> None:
        self._wanted = properties & {"campaign", "consent", "is_unsubscribed"}
        self._campaigns: dict[int, list[tuple[datetime, list[str]]]] = {}
        self._consents: dict[int, list[tuple[datetime, str]]] = {}
        self._opted: dict[int, list[Event]] = {}
        if "campaign" in self._wanted:
            ups: dict[int, tuple[str, int | None]] = {
                pk: (str(key), parent)
                for pk, key, parent in Campaign.objects.values_list("pk", "public_id", "parent_id")
            }
            rows = Touchpoint.objects.genuine().filter(lead__in=lead_ids, campaign__isnull=False)
            for pk, campaign, at in rows.order_by("occurred_at").values_list("lead_id", "campaign_id", "occurred_at"):
                self._campaigns.setdefault(pk, []).append((at, _with_programs(campaign, ups)))
        if "consent" in self._wanted:
            given = Consent.objects.filter(lead__in=lead_ids).order_by("given_at")
            for pk, basis, at in given.values_list("lead_id", "basis", "given_at"):
                self._consents.setdefault(pk, []).append((at, basis))
        if "is_unsubscribed" in self._wanted:
            self._opted = events_of(lead_ids, [*_OUT, _IN], None, tz)

    def of(self, lead: int) -> set[datetime]:
        """When something of a lead changed."""
        return {
            *(at for at, _ in self._campaigns.get(lead, ())),
            *(at for at, _ in self._consents.get(lead, ())),
            *(event.at for event in self._opted.get(lead, ())),
        }

    def values(self, lead: int, at: datetime) -> dict[str, Any]:
        """What held at a moment."""
        found: dict[str, Any] = {}
        if "campaign" in self._wanted:
            keys = (key for since, all_ in self._campaigns.get(lead, ()) if since <= at for key in all_)
            found["campaign"] = list(dict.fromkeys(keys))
        if "consent" in self._wanted:
            found["consent"] = sorted({basis for since, basis in self._consents.get(lead, ()) if since <= at})
        if "is_unsubscribed" in self._wanted:
            is_out = is_complaint = False
            for event in self._opted.get(lead, ()):
                if event.at <= at:
                    is_complaint |= event.kind == "email_complaint"
                    is_out = event.kind == "email_unsubscribe" or (is_out and event.kind != _IN)
            found["is_unsubscribed"] = is_out or is_complaint
        return found


def _with_programs(campaign: int, ups: Mapping[int, tuple[str, int | None]]) -> list[str]:
    step: int | None = campaign
    keys = []
    while step is not None and step in ups:
        key, step = ups[step]
        keys.append(key)
    return keys
