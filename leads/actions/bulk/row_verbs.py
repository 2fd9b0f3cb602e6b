"""What can be done with many opportunities, accounts, campaigns and touchpoints at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from leads.actions.bulk.value_verbs import TOUCH_VALUES
from leads.actions.bulk.verb import CHANGED, GONE, Outcome, Params, Verb
from leads.actions.campaigns.edit_campaign import CampaignRefused, edit_campaign
from leads.actions.deals.edit_opportunity import DealEdit, DealRefused, edit_opportunity
from leads.actions.deals.give_opportunity import give_opportunity
from leads.actions.identity.revise_accounts import AccountRevision, revise_accounts
from leads.models import Account, Campaign, DealStatus, Opportunity, PipelineStage, Role, User
from leads.queries.deals import may_edit_deal
from leads.queries.kept_elsewhere import kept_elsewhere
from leads.queries.members import may_change_members

LEADERS = (Role.SALES_LEADER, Role.ADMIN)
MARKETING = (Role.MARKETING_DIRECTOR, Role.ADMIN)


def _may_edit_deals(deals: Sequence[Opportunity], by: User) -> list[str]:
    """All of them looked up in one query, however many they are."""
    elsewhere = set(kept_elsewhere().filter(pk__in=[deal.pk for deal in deals]).values_list("pk", flat=True))
    return [_why_not_deal(deal, by, deal.pk in elsewhere) for deal in deals]


def _why_not_deal(deal: Opportunity, by: User, is_elsewhere: bool) -> str:
    if not may_edit_deal(by, deal):
        return "Only the owner, sales leaders and admins may."
    if is_elsewhere:
        return "A connected CRM keeps this deal: change it there."
    return ""


def _may_move(deals: Sequence[Opportunity], by: User) -> list[str]:
    closed = "It is closed: change it on its own page."
    said = _may_edit_deals(deals, by)
    return [why or ("" if deal.status == DealStatus.OPEN else closed) for deal, why in zip(deals, said, strict=True)]


def _deals(
    name: str, check: Callable[[Sequence[Opportunity], User], list[str]]
) -> tuple[Callable[..., list[Outcome]], Callable[..., dict[int, str]]]:
    """Setting one value of deals, and setting it back where it still stands."""

    def act(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
        known = Opportunity.objects.kept().in_bulk(ids)
        said = dict(zip(known, check(list(known.values()), by), strict=True))
        return [
            Outcome(said.get(pk, GONE)) if said.get(pk, GONE) else _write(known[pk], params["value"], by, at)
            for pk in ids
        ]

    def _write(deal: Opportunity, value: Any, by: User, at: datetime) -> Outcome:
        before = _plain(getattr(deal, name))
        if before == value:
            return Outcome("It has this value already.")
        why = _edit(deal.pk, value, by, at)
        return Outcome(why) if why else Outcome(before=[before])

    def _edit(pk: int, value: Any, by: User, at: datetime) -> str:
        try:
            with transaction.atomic():
                if name == "owner_id":
                    give_opportunity(opportunity_id=pk, owner_id=value, at=at)
                else:
                    edit = DealEdit(_edited(name, value))
                    edit_opportunity(opportunity_id=pk, edit=edit, by=by, source=str(by), at=at)
        except DealRefused as refusal:
            return refusal.reason
        return ""

    def undo(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
        known, why = Opportunity.objects.kept().in_bulk(rows), {}
        for pk, (before,) in rows.items():
            deal = known.get(pk)
            if deal is None or _plain(getattr(deal, name)) != params["value"]:
                why[pk] = GONE if deal is None else CHANGED
                continue
            why[pk] = _edit(pk, before, by, at)
        return why

    return act, undo


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _edited(name: str, value: Any) -> dict[str, Any]:
    if name == "stage_id":
        return {"stage": PipelineStage.objects.get(pk=value)}
    if name == "expected_close_on":
        return {name: date.fromisoformat(value) if value else None}
    return {name: value}


def _deal_verb(key: str, label: str, done: str, name: str, check: Any = _may_edit_deals) -> Verb:
    act, undo = _deals(name, check)
    return Verb(key, label, done, check, act, undo, listing="opportunities")


def _may_edit_accounts(accounts: Sequence[Account], by: User) -> list[str]:
    may = by.has_role(*LEADERS)
    return ["" if may else "Only sales leaders and admins may."] * len(accounts)


def _set_accounts(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    name, value = str(params["field"]), params["value"]
    if why := _may_edit_accounts(ids, by)[0]:  # type: ignore[arg-type]  # one answer for all of them
        return [Outcome(why)] * len(ids)
    revised = revise_accounts(revisions=[AccountRevision(pk, {name: value}) for pk in ids])
    written = {each.account_id: each.written for each in revised}
    return [
        Outcome(GONE)
        if pk not in written
        else Outcome(before=[written[pk][name][0]])
        if written[pk]
        else Outcome("It has this value already.")
        for pk in ids
    ]


def _unset_accounts(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
    name, value = str(params["field"]), params["value"]
    with transaction.atomic():
        held = Account.objects.select_for_update().order_by("pk").in_bulk(list(rows))
        still = [pk for pk in rows if pk in held and getattr(held[pk], name) == value]
        revise_accounts(revisions=[AccountRevision(pk, {name: rows[pk][0]}) for pk in still])
    return {pk: "" if pk in still else CHANGED if pk in held else GONE for pk in rows}


def _may_edit_campaigns(campaigns: Sequence[Campaign], by: User) -> list[str]:
    return ["" if may_change_members(by) else "Only admins and marketing directors may."] * len(campaigns)


def _campaigns(name: str) -> tuple[Callable[..., list[Outcome]], Callable[..., dict[int, str]]]:
    def act(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
        known = Campaign.objects.in_bulk(ids)
        return [_write(known.get(pk), params["value"]) for pk in ids]

    def _write(campaign: Campaign | None, value: Any) -> Outcome:
        if campaign is None:
            return Outcome(GONE)
        before = _plain(getattr(campaign, name))
        if before == value:
            return Outcome("It has this value already.")
        try:
            edit_campaign(campaign_id=campaign.pk, values={name: _day(name, value)})
        except CampaignRefused as refusal:
            return Outcome(str(refusal))
        return Outcome(before=[before])

    def undo(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
        known, why = Campaign.objects.in_bulk(rows), {}
        for pk, (before,) in rows.items():
            campaign = known.get(pk)
            if campaign is None or _plain(getattr(campaign, name)) != params["value"]:
                why[pk] = GONE if campaign is None else CHANGED
                continue
            try:
                edit_campaign(campaign_id=pk, values={name: _day(name, before)})
            except CampaignRefused as refusal:
                why[pk] = str(refusal)
        return why

    return act, undo


def _day(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name.endswith("_on") and value else value


def _campaign_verb(key: str, label: str, name: str) -> Verb:
    act, undo = _campaigns(name)
    return Verb(key, label, "changed", _may_edit_campaigns, act, undo, listing="campaigns", roles=MARKETING)


ROW_VERBS = (
    _deal_verb("deal_owner", "Give to another owner", "reassigned", "owner_id"),
    _deal_verb("deal_stage", "Move to a stage", "moved", "stage_id", _may_move),
    _deal_verb("deal_forecast", "Set the forecast category", "changed", "forecast_category", _may_move),
    _deal_verb("deal_close", "Set the expected close date", "changed", "expected_close_on", _may_move),
    Verb(
        "account_set", "Set a property", "changed", _may_edit_accounts, _set_accounts, _unset_accounts,
        listing="accounts", roles=LEADERS,
    ),
    Verb(
        "account_owner", "Give to another owner", "reassigned", _may_edit_accounts, _set_accounts, _unset_accounts,
        listing="accounts", roles=LEADERS,
    ),
    _campaign_verb("campaign_channel", "Set the channel", "channel_id"),
    _campaign_verb("campaign_program", "Set the program", "parent_id"),
    _campaign_verb("campaign_starts", "Set the start date", "starts_on"),
    _campaign_verb("campaign_ends", "Set the end date", "ends_on"),
    *TOUCH_VALUES,
)  # fmt: skip
