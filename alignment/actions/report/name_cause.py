"""Name what made a row of a figure come, go or change: which rows changed in which columns, and what that is called.

Of the changes in one transaction only those are named that decide about the row. Where none does, none is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from alignment.pure.ledger import Move
from alignment.queries.row_changes import RowChange, is_after
from attribution.models import Credit
from leads.models import (
    Campaign,
    CampaignCost,
    ExchangeRate,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
)
from leads.pure.lifecycle import LADDER

_AMOUNTS = ("amount_cents", "currency", "reporting_cents")
_STANDING = ("status", "closed_at", "opened_at", "deleted_at")


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of cause. Growing older is no correction."""

    key: str
    words: str
    is_correction: bool = True


@dataclass(frozen=True, slots=True)
class Named:
    """The cause of one move, with the changes of rows that were it."""

    cause: Cause
    changes: tuple[RowChange, ...] = ()


TIME = Cause("time", "Time passed", is_correction=False)
BEFORE_HISTORY = Cause("before_history", "Changed before history was kept")
OTHER = Cause("other", "Other change")
_RULE = Cause("rule", "Setting or rule changed")
_RATE = Cause("rate", "Exchange rate changed")
_MERGED = Cause("merged", "Lead merged into another")
_UNMERGED = Cause("unmerged", "Merge taken back")


def name_cause(
    *, model: type[Model], move: Move, changes: Sequence[RowChange], rules: Sequence[RowChange], published: datetime
) -> Named:
    """The cause of a move, given what one moment changed about its row and about rules.

    ``published`` is the moment as of which the report was made: what happened in the world after it is no correction.
    """
    own = None if model is Credit else int(move.key)
    ranked = [(rank, change) for change in changes if (rank := _rank(model, move, change, own, published)) is not None]
    if ranked:
        best = min(rank for rank, _ in ranked)
        named = tuple(change for rank, change in ranked if rank == best)
        return _with_rate(Named(_cause(named[0], move, own, published), _shown(named, move, own)), rules)
    if rules:
        kinds = {change.model for change in rules}
        return Named(_RATE if kinds == {ExchangeRate} else _RULE, tuple(rules))
    return Named(OTHER)


def _with_rate(named: Named, rules: Sequence[RowChange]) -> Named:
    """Amounts that were priced anew because a rate was corrected in the same transaction name the rate as well."""
    rates = tuple(change for change in rules if change.model is ExchangeRate)
    return Named(named.cause, (*named.changes, *rates)) if named.cause == _RATE and rates else named


# --- which changes decide --------------------------------------------------------------------------------------------


def _rank(
    model: type[Model], move: Move, change: RowChange, own: int | None, published: datetime
) -> tuple[int, int] | None:
    """How directly a change decides about the move, least first; None where it does not."""
    if change.model is Lead and change.column("merged_into_id"):
        # A merge makes rows come, go and earn other credits. It changes no amount of a deal or a cost.
        return None if model in (Opportunity, CampaignCost) and move.kind == "changed" else (0, 0)
    if model is Credit:
        return _rank_for_credit(move, change)
    if change.model is model and change.pk == own:
        return None if change.kind == "changed" and not _own_columns(change, move) else (1, 0)
    judge = _RELATED.get(change.model)
    return judge(change, move) if judge and (change.model is not model or change.pk != own) else None


def _rank_for_credit(move: Move, change: RowChange) -> tuple[int, int] | None:
    _, _, touch = move.key.partition(":")
    if change.model is Touchpoint:
        return (1 if str(change.pk) == touch else 3), 0
    if change.model is Opportunity:
        return (2, 0) if change.kind != "changed" or _deal_columns(change) else None
    if change.model is OpportunityContact:
        return 2, 1
    return (4, 0) if change.model is Lead and change.column("account_id") else None


def _of_contact(change: RowChange, move: Move) -> tuple[int, int] | None:
    return (2, 0) if move.kind != "changed" else None


def _of_touch(change: RowChange, move: Move) -> tuple[int, int] | None:
    return (3, 0) if move.kind != "changed" else None


def _of_follow_up(change: RowChange, move: Move) -> tuple[int, int] | None:
    """An answer or its time; a further promise made in the same breath decides nothing."""
    is_answer = change.kind != "changed" and change.row.get("done_at") is not None
    is_earlier = bool(change.column("done_at") or change.column("planned_at") or change.column("lead_id"))
    return (4, 0) if is_answer or is_earlier else None


def _of_passage(change: RowChange, move: Move) -> tuple[int, int] | None:
    stage = change.row.get("to_stage")
    # The highest rung that was reached says it; those below were filled in on the way.
    return 5, -LADDER.index(stage) if stage in LADDER else 0


def _of_cost(change: RowChange, move: Move) -> tuple[int, int] | None:
    return 6, 0


def _of_captured(change: RowChange, move: Move) -> tuple[int, int] | None:
    return (7, 0) if change.column("captured_at") else None


_RELATED: dict[type[Model], Callable[[RowChange, Move], tuple[int, int] | None]] = {
    OpportunityContact: _of_contact,
    Touchpoint: _of_touch,
    FollowUp: _of_follow_up,
    LifecyclePassage: _of_passage,
    CampaignCost: _of_cost,
    Lead: _of_captured,
}


def _own_columns(change: RowChange, move: Move) -> tuple[tuple[str, Any, Any], ...]:
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


def _deal_columns(change: RowChange) -> tuple[tuple[str, Any, Any], ...]:
    """What of a deal decides about its credits."""
    others = tuple(column for column in change.columns if column[0] in _STANDING)
    return (*others, *_amount_columns(change))


def _amount_columns(change: RowChange) -> tuple[tuple[str, Any, Any], ...]:
    found = tuple(column for column in change.columns if column[0] in _AMOUNTS)
    billed = tuple(column for column in found if column[0] != "reporting_cents")
    return billed or found


def _shown(changes: Sequence[RowChange], move: Move, own: int | None) -> tuple[RowChange, ...]:
    """The changes with only the columns that count here."""
    return tuple(_narrow(change, move, own) for change in changes)


def _narrow(change: RowChange, move: Move, own: int | None) -> RowChange:
    if change.kind != "changed":
        return change
    columns = change.columns
    if change.model in (Opportunity, CampaignCost):
        columns = _deal_columns(change) if own is None else _own_columns(change, move)
    elif change.model is Lead and change.column("merged_into_id"):
        columns = tuple(column for column in columns if column[0] == "merged_into_id")
    elif change.model is Lead and own is None:
        columns = tuple(column for column in columns if column[0] in ("account_id", "captured_at"))
    return RowChange(change.model, change.pk, change.change, change.kind, columns, change.row)


# --- what it is called -----------------------------------------------------------------------------------------------


def _cause(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.model is Lead and (merged := change.column("merged_into_id")):
        return _UNMERGED if merged[1] is None else _MERGED
    tell = _WORDS.get(change.model)
    return tell(change, move, own, published) if tell else OTHER


def _deal(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("deal_recorded", "Deal recorded late")
    if change.kind == "went":
        return Cause("deal_deleted", "Deal deleted")
    names = {name for name, _, _ in (_deal_columns(change) if own is None else _own_columns(change, move))}
    if deleted := change.column("deleted_at"):
        return Cause("deal_restored", "Deal restored") if deleted[1] is None else Cause("deal_deleted", "Deal deleted")
    if names & {"status", "closed_at", "stage_id"}:
        closed = change.column("closed_at")
        if closed and closed[0] is None and is_after(closed[1], published):
            return Cause("deal_closed", "Deal closed after publication", is_correction=False)
        return Cause("deal_status", "Deal status or close date changed")
    if "opened_at" in names:
        return Cause("deal_opened", "Opening date changed")
    return _RATE if names == {"reporting_cents"} else Cause("deal_amount", "Deal amount changed")


def _contact(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    words = {"came": "Contact added to the deal", "went": "Contact removed from the deal"}
    return Cause(f"contact_{change.kind}", words.get(change.kind, "Contact of the deal changed"))


def _touch(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
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
        return Cause("moved_on", "Reached the stage after publication", is_correction=False)
    return Cause("passage_recorded", "Stage passage recorded late")


def _follow_up(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    done = change.row.get("done_at")
    if change.kind == "went":
        return Cause("follow_up_deleted", "Follow-up deleted")
    if is_after(done, published) and (change.kind == "came" or change.column("done_at")):
        if change.row.get("outcome") == FollowUp.Outcome.NOT_NEEDED:
            return Cause("not_needed", "Closed as not needed after publication", is_correction=False)
        return Cause("answered", "Answered after publication", is_correction=False)
    if change.kind == "came" or change.column("done_at"):
        return Cause("follow_up_recorded", "Follow-up recorded late")
    return Cause("follow_up_changed", "Follow-up changed")


def _lead(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("lead_recorded", "Lead recorded late")
    if change.kind == "went":
        return Cause("lead_deleted", "Lead deleted")
    if owner := change.column("owner_id"):
        words = "Unassigned" if owner[1] is None else "Assigned"
        return Cause(words.lower(), f"{words} after publication", is_correction=False)
    if change.column("stage"):
        return Cause("moved_on", "Reached the stage after publication", is_correction=False)
    return Cause("lead_changed", "Lead changed")


def _cost(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    if change.kind == "came":
        return Cause("cost_recorded", "Cost recorded late")
    if change.kind == "went":
        return Cause("cost_removed", "Cost removed")
    names = {name for name, _, _ in _own_columns(change, move)}
    return _RATE if names == {"reporting_cents"} else Cause("cost_changed", "Cost changed")


def _campaign(change: RowChange, move: Move, own: int | None, published: datetime) -> Cause:
    return Cause(
        f"campaign_{change.kind}", "Campaign changed" if change.kind == "changed" else "Campaign recorded late"
    )


_WORDS: dict[type[Model], Callable[[RowChange, Move, int | None, datetime], Cause]] = {
    Opportunity: _deal,
    OpportunityContact: _contact,
    Touchpoint: _touch,
    LifecyclePassage: _passage,
    FollowUp: _follow_up,
    Lead: _lead,
    CampaignCost: _cost,
    Campaign: _campaign,
}
__all__ = ["BEFORE_HISTORY", "OTHER", "TIME", "Cause", "Named", "name_cause"]
