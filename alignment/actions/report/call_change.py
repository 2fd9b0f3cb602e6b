"""Call a change of a row by what happened, as the cause of a difference.

What happened in the world after the report was made is no correction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from alignment.pure.ledger import Move
from alignment.queries.row_changes import RowChange, is_after
from leads.models import (
    Activity,
    Campaign,
    CampaignCost,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Stage,
    Touchpoint,
)
from leads.pure.lifecycle import LADDER

_AMOUNTS = ("amount_cents", "currency", "reporting_cents")
_STANDING = ("status", "closed_at", "opened_at", "deleted_at")


Columns = tuple[tuple[str, Any, Any], ...]
"""Name, before and after of each."""
# By which an amount in another currency is priced.
PRICED_BY = ("closed_at", "opened_at", "spent_on")


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of cause. Growing older is no correction."""

    key: str
    words: str
    is_correction: bool = True


TIME = Cause("time", "Time passed", is_correction=False)
BEFORE_HISTORY = Cause("before_history", "Changed before history was kept")
OTHER = Cause("other", "Other change")
RULE = Cause("rule", "Setting or rule changed")
RATE = Cause("rate", "Exchange rate changed")
_DEAL_AMOUNT = Cause("deal_amount", "Deal amount changed")
_MERGED = Cause("merged", "Lead merged into another")
_UNMERGED = Cause("unmerged", "Merge taken back")


def definition_changed(then: int, now: int, *, is_remembered: bool = True) -> Cause:
    """The rows are the same and their meaning is not; ``is_remembered``: history reaches back to the publication."""
    text = f"Definition changed (version {then} → {now})"
    text += "" if is_remembered else ", or changed before history was kept"
    return Cause("definition", text, is_correction=False)


# --- which columns decide --------------------------------------------------------------------------------------------


def own_columns(change: RowChange, move: Move) -> Columns:
    """The columns of the row itself that can have made the move."""
    if change.model not in (Opportunity, CampaignCost):
        return change.columns
    amounts = _amount_columns(change)
    if move.kind == "changed":
        return amounts
    others = tuple(column for column in change.columns if column[0] not in (*_AMOUNTS, "account_id", "territory_id"))
    # A deal counts by its dates and status; its amount decides only where it became known or unknown.
    priced = change.column("reporting_cents")
    return (*others, *(amounts if priced and None in priced else ()))


def deal_columns(change: RowChange) -> Columns:
    """What of a deal decides about its credits."""
    others = tuple(column for column in change.columns if column[0] in _STANDING)
    return (*others, *_amount_columns(change))


def _amount_columns(change: RowChange) -> Columns:
    found = tuple(column for column in change.columns if column[0] in _AMOUNTS)
    billed = tuple(column for column in found if column[0] != "reporting_cents")
    return billed or found


# --- what it is called -----------------------------------------------------------------------------------------------


def call_change(
    change: RowChange, move: Move, own: int | None, published: datetime, rates: Sequence[RowChange]
) -> Cause:
    """The cause that a change is. ``own``: the id of the figure's row, None where it is a credit; ``rates`` of its
    currency that changed in the same transaction."""
    if change.model is Lead and (merged := change.column("merged_into_id")):
        return _UNMERGED if merged[1] is None else _MERGED
    if change.kind == "changed" and change.model in (Opportunity, CampaignCost):
        decided = deal_columns(change) if own is None else own_columns(change, move)
        if {name for name, _, _ in decided} == {"reporting_cents"}:
            return _priced(change, published, rates)
    tell = _WORDS.get(change.model)
    return tell(change, move, own, published) if tell else OTHER


def _priced(change: RowChange, published: datetime, rates: Sequence[RowChange]) -> Cause:
    """An amount in another currency that came to something else in the company's."""
    if rates:
        return RATE
    closed = change.column("closed_at")
    if closed and closed[0] is None:
        is_later = is_after(closed[1], published)
        words = "Repriced at the closing date's rate"
        return Cause("closing_rate", words, is_correction=False) if is_later else Cause("late_closing_rate", words)
    if any(change.column(name) for name in PRICED_BY):
        return Cause("other_days_rate", "Repriced at the rate of a changed date")
    return Cause("repriced", "Amount in the company currency changed")


def _deal(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("deal_recorded", "Deal recorded late")
    if change.kind == "went":
        return Cause("deal_deleted", "Deal deleted")
    names = {name for name, _, _ in (deal_columns(change) if own is None else own_columns(change, move))}
    if deleted := change.column("deleted_at"):
        return Cause("deal_restored", "Deal restored") if deleted[1] is None else Cause("deal_deleted", "Deal deleted")
    if names & {"status", "closed_at"}:
        return _closed(change, published)
    if "stage_id" in names:
        return Cause("deal_stage", "Deal stage changed")
    return Cause("deal_opened", "Opening date changed") if "opened_at" in names else _DEAL_AMOUNT


def _closed(change: RowChange, published: datetime) -> Cause:
    before, after = change.column("closed_at") or (None, None)
    if before is None and after is not None:
        if is_after(after, published):
            return Cause("deal_closed", "Deal closed after publication", is_correction=False)
        return Cause("deal_close_recorded", "Deal's close recorded late")
    if before is not None and after is None:
        return Cause("deal_reopened", "Deal reopened")
    return Cause("deal_status", "Deal status or close date changed")


def _contact(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    words = {"came": "Contact added to the deal", "went": "Contact removed from the deal"}
    return Cause(f"contact_{change.kind}", words.get(change.kind, "Contact of the deal changed"))


def _touch(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        if is_after(change.row.get("occurred_at"), published):
            return Cause("touch_came", "Touchpoint after publication", is_correction=False)
        return Cause("touch_recorded", "Touchpoint recorded late")
    if change.kind == "went":
        return Cause("touch_deleted", "Touchpoint deleted")
    if change.column("lead_id"):
        return Cause("touch_moved", "Touchpoint moved to another lead")
    if change.column("exclusion"):
        return Cause("touch_excluded", "Touchpoint excluded or counted again")
    if change.column("channel_id") or change.column("campaign_id"):
        return Cause("touch_reclassified", "Touchpoint reclassified")
    return Cause("touch_changed", "Touchpoint changed")


def _passage(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "went":
        return Cause("passage_deleted", "Stage passage deleted")
    if change.kind == "changed":
        return Cause("passage_changed", "Stage passage changed")
    if is_after(change.row.get("passed_at"), published):
        return _moved(change.row.get("to_stage"))
    return Cause("passage_recorded", "Stage passage recorded late")


def _follow_up(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    done = change.row.get("done_at")
    if change.kind == "went":
        return Cause("follow_up_deleted", "Follow-up deleted")
    if is_after(done, published) and (change.kind == "came" or change.column("done_at")):
        if change.row.get("outcome") == FollowUp.Outcome.NOT_NEEDED:
            return Cause("not_needed", "Closed as not needed after publication", is_correction=False)
        return Cause("answered", "Answered after publication", is_correction=False)
    if (answered := change.column("done_at")) and done is None and answered[0] is not None:
        return Cause("answer_taken_back", "Answer taken back")
    if change.kind == "came" or (answered and answered[0] is None):
        return Cause("follow_up_recorded", "Follow-up recorded late")
    return Cause("follow_up_changed", "Follow-up changed")


def _activity(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "went":
        return Cause("activity_deleted", "Logged activity deleted")
    if is_after(change.row.get("occurred_at"), published) and change.kind == "came":
        return Cause("answered", "Answered after publication", is_correction=False)
    if change.kind == "came":
        return Cause("activity_recorded", "Activity logged late")
    return Cause("activity_changed", "Logged activity changed")


def _lead(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("lead_recorded", "Lead recorded late")
    if change.kind == "went":
        return Cause("lead_deleted", "Lead deleted")
    if owner := change.column("owner_id"):
        words = "Unassigned" if owner[1] is None else "Assigned" if owner[0] is None else "Reassigned"
        return Cause(words.lower(), f"{words} after publication", is_correction=False)
    if stage := change.column("stage"):
        return _moved(stage[1])
    return Cause("lead_changed", "Lead changed")


def _cost(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("cost_recorded", "Cost recorded late")
    if change.kind == "went":
        return Cause("cost_removed", "Cost removed")
    return Cause("cost_changed", "Cost changed")


def _moved(stage: Any) -> Cause:
    """A passage of the time after publication."""
    if stage in LADDER:
        return Cause("moved_on", "Reached the stage after publication", is_correction=False)
    return Cause(f"moved_{stage}", f"{Stage(stage).label} after publication", is_correction=False)


def _campaign(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    words = {"came": "Campaign recorded late", "went": "Campaign deleted"}
    return Cause(f"campaign_{change.kind}", words.get(change.kind, "Campaign changed"))


_WORDS: dict[type[Model], Callable[[RowChange, Move, int | None, datetime], Cause]] = {
    Opportunity: _deal,
    OpportunityContact: _contact,
    Touchpoint: _touch,
    LifecyclePassage: _passage,
    FollowUp: _follow_up,
    Activity: _activity,
    Lead: _lead,
    CampaignCost: _cost,
    Campaign: _campaign,
}


__all__ = [
    "BEFORE_HISTORY",
    "OTHER",
    "PRICED_BY",
    "RATE",
    "RULE",
    "TIME",
    "Cause",
    "call_change",
    "deal_columns",
    "definition_changed",
    "own_columns",
]
