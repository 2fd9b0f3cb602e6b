"""Opportunities as figures: created, open, weighted, won, lost, size, cycle and velocity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F

from leads.figures import selection
from leads.figures.base import Definition, Parts, Scope, Unit, register
from leads.figures.deal_parts import (
    created_counts,
    created_parts,
    cycle_parts,
    lost_counts,
    move_parts,
    open_counts,
    open_parts,
    per_day,
    share_won,
    sized_parts,
    stage_counts,
    stage_parts,
    stalled_parts,
    velocity_parts,
    weighted_parts,
    win_rate_parts,
    won_counts,
    won_parts,
)

PartsOf = Callable[[Scope], Parts]


def _define(
    key: str, name: str, unit: Unit, formula: str, meaning: str, parts: PartsOf, *, version: int = 1, **more: Any
) -> None:
    more = {"filters": selection.BY_LEAD, **more}
    register(Definition(f"pipeline.{key}", version, name, unit, formula, meaning, parts, **more))


_SIGNED = "A negative amount (a refund) lowers the sum."
_NO_WIN = "A deal with a negative amount is a refund or a correction and no win: it is listed."
_BY_CLOSE = f"By close date, in the company currency at the rate of the close. {_SIGNED}"
_STOCK = (
    "A stock: as it stood at the end of the period, or stands now while the period lasts. How a deal stood is taken "
    "from its history: one that stood at lost then and was reopened later is not among them."
)
_WITHOUT_DELETED = "Deals deleted in the CRM do not count; they are listed."
_AMOUNT = f"At the amount it had then, where its history knows it. {_SIGNED}"

_define(
    "created",
    "Pipeline created",
    "money",
    "sum of the amounts of the opportunities opened in the period",
    f"By opening date, in the company currency, with the amount known now. {_SIGNED}",
    created_parts,
    version=2,
)
_define(
    "created_count",
    "Opportunities created",
    "count",
    "number of opportunities opened in the period",
    "Every deal by its opening date, whatever became of it.",
    created_counts,
    version=2,
)
_define(
    "open",
    "Open pipeline",
    "money",
    "sum of the amounts of the opportunities open at the end of the period",
    f"{_STOCK} {_AMOUNT}",
    open_parts,
    version=2,
    weekly="each",
)
_define(
    "open_count",
    "Open opportunities",
    "count",
    "number of opportunities open at the end of the period",
    _STOCK,
    open_counts,
    version=2,
    weekly="each",
)
_define(
    "stages",
    "Open pipeline by stage",
    "money",
    "sum of the amounts of the opportunities open at the end of the period, by the stage they stood in",
    f"{_STOCK} {_AMOUNT} Each deal is in the stage it stood in then, so the stages add up to open pipeline. Deals "
    "whose stage then is not known are a part of their own.",
    stage_parts,
    is_whole=True,
    weekly="each",
)
_define(
    "stages_count",
    "Open opportunities by stage",
    "count",
    "number of opportunities open at the end of the period, by the stage they stood in",
    f"{_STOCK} Each deal is in the stage it stood in then, so the stages add up to open opportunities.",
    stage_counts,
    is_whole=True,
    weekly="each",
)
_define(
    "weighted",
    "Weighted pipeline",
    "money",
    "sum of amount × win probability of the stage, over the opportunities open at the end of the period",
    f"{_STOCK} {_AMOUNT} The probability is that of the stage it stood in then. Each deal is rounded to the cent "
    "before adding up.",
    weighted_parts,
    version=2,
    weekly="each",
)
_define(
    "won",
    "Won revenue",
    "money",
    "sum of the amounts of the opportunities won in the period",
    f"{_BY_CLOSE} {_WITHOUT_DELETED}",
    won_parts,
    version=2,
)
_define(
    "won_count",
    "Deals won",
    "count",
    "number of opportunities won in the period",
    f"By close date. {_WITHOUT_DELETED} {_NO_WIN}",
    won_counts,
    version=3,
)
_define(
    "lost_count",
    "Deals lost",
    "count",
    "number of opportunities lost in the period",
    f"By close date. {_WITHOUT_DELETED} A deal with a negative amount is a refund or a correction: it is listed.",
    lost_counts,
    better="down",
    version=3,
)
_define(
    "win_rate",
    "Win rate",
    "share",
    "won ÷ (won + lost), by close date",
    f"Of the deals decided in the period, the share that was won. {_WITHOUT_DELETED} {_NO_WIN}",
    win_rate_parts,
    combine=share_won,
    arithmetic="{won} ÷ {closed}",
    version=3,
)
_define(
    "deal_size",
    "Average deal size",
    "money",
    "sum of the amounts of the deals won in the period ÷ their number",
    f"By close date, in the company currency at the rate of the close. Deals without a usable amount count in neither. "
    f"{_NO_WIN}",
    sized_parts,
    version=3,
)
_define(
    "cycle_median",
    "Sales cycle, won deals",
    "days",
    "median days from opening to close of the deals won in the period",
    "Looks shorter than it is, because deals that take long are not closed yet: read it beside the survival median. "
    f"{_NO_WIN}",
    cycle_parts,
    better="down",
    version=3,
)
_define(
    "stalled",
    "Stalled opportunities",
    "count",
    "number of open opportunities that have stood in their stage for longer than the stage allows",
    f"{_STOCK} By the stage it stood in then, since it entered it, and the days allowed in that stage; a change of the "
    "amount does not start them anew.",
    stalled_parts,
    version=2,
    better="down",
    weekly="each",
)
_define(
    "advanced",
    "Moved forward",
    "count",
    "number of moves of open opportunities to a later stage in the period",
    "Every move counts, from the stage history. Deals won are counted apart.",
    lambda scope: move_parts(scope, "Moves to a later stage", stage__position__gt=F("position_before")),
)
_define(
    "slipped",
    "Moved backward",
    "count",
    "number of moves of opportunities back to an earlier open stage in the period",
    "Every move counts, from the stage history. Deals reopened after a close are among them.",
    lambda scope: move_parts(scope, "Moves to an earlier stage", stage__position__lt=F("position_before")),
    better="down",
)
_define(
    "velocity",
    "Pipeline velocity per day",
    "money_per_day",
    "open opportunities × win rate × average deal size ÷ cycle days",
    "Revenue the pipeline yields per day. Open deals at the end of the period; the other three factors from the deals "
    f"closed in it. Stale open deals inflate it. How a deal stood is taken from its history. {_NO_WIN}",
    velocity_parts,
    version=4,
    combine=per_day,
    arithmetic="{open} × ({won} ÷ {closed}) × {size} ÷ {cycle}",
    weekly="each",
)
