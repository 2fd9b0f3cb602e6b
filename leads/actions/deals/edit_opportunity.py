"""People open deals from qualified leads and keep them, where no CRM does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db import transaction

from leads.actions.deals.record_opportunity import ContactFact, DealFacts, record_opportunity
from leads.models import (
    Company,
    DealStatus,
    ForecastCategory,
    Lead,
    Opportunity,
    OpportunityContact,
    PipelineStage,
    User,
)
from leads.pure import lifecycle
from leads.pure.money import InvalidAmount, check_currency
from leads.pure.refused import FieldRefused
from leads.queries.deals import why_read_only

Roles = OpportunityContact.ContactRole


class DealRefused(FieldRefused):
    """The deal cannot be kept so; ``field`` names the one at fault."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A lead's part in a deal."""

    lead_id: int
    role: str = Roles.OTHER
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class DealEdit:
    """What a person says of a deal, by name; names that are left out stay as they are.

    ``name``, ``stage`` (a `PipelineStage`), ``amount_cents`` (None: not known yet), ``currency``, ``closed_on``,
    ``expected_close_on``, ``forecast_category``, ``won_reason``, ``lost_reason``, ``owner_id``. ``contacts`` None
    leaves the people as they are.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    contacts: Sequence[Contact] | None = None


def open_opportunity(*, lead_id: int, edit: DealEdit, by: User | None, source: str, at: datetime) -> Opportunity:
    """A deal of an SQL, of whoever owns the lead; the lead becomes an opportunity. ``source`` names who says it.

    Raises DealRefused, Lead.DoesNotExist.
    """
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        try:
            lifecycle.check_step("open a deal for", lead.stage)
        except lifecycle.PassageRefused as error:
            raise DealRefused("lead", str(error)) from error
        fresh = Opportunity(
            name="",
            currency=Company.current().currency,
            opened_at=at,
            owner_id=lead.owner_id,
            account_id=lead.account_id,
        )
        contacts = edit.contacts or ()
        if all(contact.lead_id != lead.pk for contact in contacts):
            is_first = not any(contact.is_primary for contact in contacts)
            contacts = [Contact(lead.pk, Roles.DECISION_MAKER, is_first), *contacts]
        values = {"stage": _first_stage(), **edit.values}
        facts = _facts(fresh, DealEdit(values, contacts), source, at)
        return record_opportunity(deal=facts, at=at).opportunity


def edit_opportunity(
    *, opportunity_id: int, edit: DealEdit, by: User | None, source: str, at: datetime, seen: datetime | None = None
) -> Opportunity:
    """Change a deal that no CRM keeps; stages and amounts it had are kept as its history.

    ``seen`` is the deal's ``changed_at`` on the page that was edited. Raises DealRefused, Opportunity.DoesNotExist.
    """
    with transaction.atomic():
        rows = Opportunity.objects.select_for_update(of=("self",)).select_related("stage")
        deal = rows.get(pk=opportunity_id)
        if why := why_read_only(deal):
            raise DealRefused("", why)
        if seen is not None and deal.changed_at != seen:
            raise DealRefused("", "Somebody changed this deal meanwhile. Reload the page to see it as it is now.")
        return record_opportunity(deal=_facts(deal, edit, source, at), at=at).opportunity


def _first_stage() -> PipelineStage:
    stage = PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position", "pk").first()
    if stage is None:
        raise DealRefused("stage", "The pipeline has no open stage.")
    return stage


def _facts(deal: Opportunity, edit: DealEdit, source: str, at: datetime) -> DealFacts:
    values = dict(edit.values)
    stage: PipelineStage = values.get("stage") or deal.stage
    amount, currency = _money(values.get("amount_cents", deal.amount_cents), values.get("currency") or deal.currency)
    name = str(values.get("name", deal.name)).strip()
    if not name:
        raise DealRefused("name", "Give the deal a name.")
    category = values.get("forecast_category")
    if category is not None and category not in ForecastCategory.values:
        raise DealRefused("forecast_category", "Choose a forecast category.")
    lost_reason = str(values.get("lost_reason", deal.lost_reason)).strip() if stage.status == DealStatus.LOST else ""
    if stage.status == DealStatus.LOST and not lost_reason:
        raise DealRefused("lost_reason", "Say why the deal was lost.")
    won_reason = str(values.get("won_reason", deal.won_reason)).strip() if stage.status == DealStatus.WON else ""
    owner_id = values.get("owner_id")
    if owner_id is not None and not User.objects.active().filter(pk=owner_id).exists():
        raise DealRefused("owner", "There is no such active user.")
    contacts, gone = _people(deal, edit.contacts)
    return DealFacts(
        opportunity_id=deal.pk,
        name=name[:200],
        stage=stage,
        status=stage.status,
        amount_cents=amount,
        currency=currency,
        opened_at=deal.opened_at,
        closed_at=_closed_at(deal, stage, values.get("closed_on"), at),
        changed_at=at,
        source=source,
        expected_close_on=values.get("expected_close_on", deal.expected_close_on),
        lost_reason=lost_reason[:120],
        won_reason=won_reason[:120],
        forecast_category=category,
        owner_id=owner_id or deal.owner_id,
        account_id=deal.account_id,
        contacts=contacts,
        gone=gone,
    )


def _money(cents: int | None, currency: str) -> tuple[int | None, str]:
    try:
        return cents, check_currency(currency)
    except InvalidAmount as error:
        raise DealRefused("currency", str(error)) from error


def _closed_at(deal: Opportunity, stage: PipelineStage, closed_on: date | None, at: datetime) -> datetime | None:
    """When a won or lost deal closed: on the day that is given, else when it was first said."""
    if stage.status == DealStatus.OPEN:
        return None
    tz = Company.current().tz
    if closed_on is None:
        return deal.closed_at or at
    if deal.closed_at is not None and deal.closed_at.astimezone(tz).date() == closed_on:
        return deal.closed_at
    if closed_on > at.astimezone(tz).date():
        raise DealRefused("closed_on", "A closed deal has a close date that has come.")
    if closed_on < deal.opened_at.astimezone(tz).date():
        raise DealRefused("closed_on", "A deal does not close before it opens.")
    # Within the day: not before the opening, and not in the future.
    return min(max(datetime.combine(closed_on, time(12), tz), deal.opened_at), at)


def _people(deal: Opportunity, contacts: Sequence[Contact] | None) -> tuple[list[ContactFact], frozenset[int]]:
    if contacts is None:
        return [], frozenset()
    ids = [contact.lead_id for contact in contacts]
    if len(set(ids)) < len(ids):
        raise DealRefused("contacts", "A lead has one role in a deal.")
    if Lead.objects.live().filter(pk__in=ids).count() < len(ids):
        raise DealRefused("contacts", "One of these leads does not exist.")
    if any(contact.role not in Roles.values for contact in contacts):
        raise DealRefused("contacts", "Choose a role for each contact.")
    if sum(contact.is_primary for contact in contacts) > 1:
        raise DealRefused("contacts", "Only one contact is primary.")
    present = (
        OpportunityContact.objects.filter(opportunity=deal.pk).values_list("lead_id", flat=True) if deal.pk else ()
    )
    facts = [ContactFact(lead_id=each.lead_id, role=each.role, is_primary=each.is_primary) for each in contacts]
    return facts, frozenset(present) - set(ids)
