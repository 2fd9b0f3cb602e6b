"""What can be done with many opportunities, accounts, campaigns and touchpoints at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from leads.actions.bulk.value_verbs import TOUCH_VALUES
from leads.actions.bulk.verb import CHANGED, GONE, NOT_THEIRS, SAME, Outcome, Params, Verb, put_back
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
        return NOT_THEIRS
    if is_elsewhere:
        return "A connected CRM keeps this deal: change it there."
    return ""


def _may_move(deals: Sequence[Opportunity], by: User) -> list[str]:
    closed = "It is closed: change it on its own page."
    said = _may_edit_deals(deals, by)
    return [why or ("" if deal.status == DealStatus.OPEN else closed) for deal, why in zip(deals, said, strict=True)]


def _edit_deal(pk: int, name: str, value: Any, by: User, at: datetime) -> str:
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


def _edited(name: str, value: Any) -> dict[str, Any]:
    return {"stage": PipelineStage.objects.get(pk=value)} if name == "stage_id" else {name: _day(name, value)}


def _may_edit_campaigns(campaigns: Sequence[Campaign], by: User) -> list[str]:
    return ["" if may_change_members(by) else "Only admins and marketing directors may."] * len(campaigns)


def _edit_campaign(pk: int, name: str, value: Any, by: User, at: datetime) -> str:
    try:
        edit_campaign(campaign_id=pk, values={name: _day(name, value)})
    except CampaignRefused as refusal:
        return str(refusal)
    return ""


def _setting(
    name: str,
    among: Callable[[], QuerySet[Any]],
    check: Callable[[Sequence[Any], User], list[str]],
    edit: Callable[[int, str, Any, User, datetime], str],
) -> tuple[Callable[..., list[Outcome]], Callable[..., dict[int, str]]]:
    """Setting one value of each row by itself, and setting it back where it still stands; ``edit`` says why it could
    not."""

    def act(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
        known = among().in_bulk(ids)
        said = dict(zip(known, check(list(known.values()), by), strict=True))
        return [
            Outcome(said.get(pk, GONE)) if said.get(pk, GONE) else write(known[pk], params["value"], by, at)
            for pk in ids
        ]

    def write(row: Any, value: Any, by: User, at: datetime) -> Outcome:
        before = _plain(getattr(row, name))
        if before == value:
            return Outcome(SAME)
        why = edit(row.pk, name, value, by, at)
        return Outcome(why) if why else Outcome(before=[before])

    def undo(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
        return put_back(
            rows,
            among().in_bulk(rows),
            lambda row: _plain(getattr(row, name)) == params["value"],
            lambda pk, before: edit(pk, name, before, by, at),
        )

    return act, undo


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _day(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name.endswith("_on") and value else value


def _deal_verb(key: str, label: str, done: str, name: str, check: Any = _may_edit_deals) -> Verb:
    act, undo = _setting(name, Opportunity.objects.kept, check, _edit_deal)
    return Verb(key, label, done, check, act, undo, listing="opportunities")


def _campaign_verb(key: str, label: str, name: str) -> Verb:
    act, undo = _setting(name, Campaign.objects.all, _may_edit_campaigns, _edit_campaign)
    return Verb(key, label, "changed", _may_edit_campaigns, act, undo, listing="campaigns", roles=MARKETING)


def _may_edit_accounts(accounts: Sequence[Account], by: User) -> list[str]:
    return [_why_not_accounts(by)] * len(accounts)


def _why_not_accounts(by: User) -> str:
    return "" if by.has_role(*LEADERS) else "Only sales leaders and admins may."


def _set_accounts(ids: Sequence[int], params: Params, by: User, at: datetime) -> list[Outcome]:
    name, value = str(params["field"]), params["value"]
    if why := _why_not_accounts(by):
        return [Outcome(why)] * len(ids)
    revised = revise_accounts(revisions=[AccountRevision(pk, {name: value}) for pk in ids])
    written = {each.account_id: each.written for each in revised}
    return [
        Outcome(GONE) if pk not in written else Outcome(before=[written[pk][name][0]]) if written[pk] else Outcome(SAME)
        for pk in ids
    ]


def _unset_accounts(rows: Mapping[int, Any], params: Params, by: User, at: datetime) -> dict[int, str]:
    name, value = str(params["field"]), params["value"]
    with transaction.atomic():
        held = Account.objects.select_for_update().order_by("pk").in_bulk(list(rows))
        still = [pk for pk in rows if pk in held and getattr(held[pk], name) == value]
        revise_accounts(revisions=[AccountRevision(pk, {name: rows[pk][0]}) for pk in still])
    return {pk: "" if pk in still else CHANGED if pk in held else GONE for pk in rows}


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
