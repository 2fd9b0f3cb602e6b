"""Name what made a row of a figure come, go or change: which rows changed in which columns, and what that is called.

Of the changes in one transaction only those are named that decide about the row. Where none does, none is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model

from alignment.actions.report.call_change import (
    OTHER,
    PRICED_BY,
    RATE,
    RULE,
    Cause,
    call_change,
    deal_columns,
    own_columns,
)
from alignment.pure.ledger import Move
from alignment.queries.row_changes import RowChange
from attribution.models import Credit
from leads.models import (
    Activity,
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


@dataclass(frozen=True, slots=True)
class Named:
    """The cause of one move, with the changes of rows that were it."""

    cause: Cause
    changes: tuple[RowChange, ...] = ()


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
        rates = tuple(
            rule
            for rule in rules
            if rule.model is ExchangeRate and rule.row.get("currency") == named[0].row.get("currency")
        )
        cause = call_change(named[0], move, own, published, rates)
        return Named(cause, (*_shown(named, move, own), *(rates if cause == RATE else ())))
    if rules:
        kinds = {change.model for change in rules}
        return Named(RATE if kinds == {ExchangeRate} else RULE, tuple(rules))
    return Named(OTHER)


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
        return None if change.kind == "changed" and not own_columns(change, move) else (1, 0)
    judge = _RELATED.get(change.model)
    return judge(change, move) if judge and (change.model is not model or change.pk != own) else None


def _rank_for_credit(move: Move, change: RowChange) -> tuple[int, int] | None:
    _, _, touch = move.key.partition(":")
    if change.model is Touchpoint:
        return (1 if str(change.pk) == touch else 3), 0
    if change.model is Opportunity:
        return (2, 0) if change.kind != "changed" or deal_columns(change) else None
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


def _of_activity(change: RowChange, move: Move) -> tuple[int, int] | None:
    return 4, 1


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
    Activity: _of_activity,
    LifecyclePassage: _of_passage,
    CampaignCost: _of_cost,
    Lead: _of_captured,
}


def _shown(changes: Sequence[RowChange], move: Move, own: int | None) -> tuple[RowChange, ...]:
    """The changes with only the columns that count here."""
    return tuple(_narrow(change, move, own) for change in changes)


def _narrow(change: RowChange, move: Move, own: int | None) -> RowChange:
    if change.kind != "changed":
        return change
    columns = change.columns
    if change.model in (Opportunity, CampaignCost):
        columns = deal_columns(change) if own is None else own_columns(change, move)
        if {name for name, _, _ in columns} == {"reporting_cents"}:
            # At whose rate it is priced now.
            columns = (*columns, *(column for column in change.columns if column[0] in PRICED_BY))
    elif change.model is Lead and change.column("merged_into_id"):
        columns = tuple(column for column in columns if column[0] == "merged_into_id")
    elif change.model is Lead and own is None:
        columns = tuple(column for column in columns if column[0] in ("account_id", "captured_at"))
    return RowChange(change.model, change.pk, change.change, change.kind, columns, change.row)


__all__ = ["Named", "name_cause"]
