"""A deal's past in Pipedrive, from its present and its changelog; no calls here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from ..base import RemoteRecord, StageChange, as_amount
from .records import Row, moment, stamp


def has_moved(deal: RemoteRecord) -> bool:
    """Whether there can be more in its past than its creation."""
    changed = moment(deal.fields["properties"].get("stage_change_time"))
    return deal.fields["status"] != "open" or (changed is not None and changed != deal.created_at)


def stage_changes(deal: RemoteRecord, lines: Sequence[Row]) -> list[StageChange]:
    """A deal's past from its present and its changelog: what a member was at first is the old value of its first
    change."""
    present = deal.fields["properties"]
    now = {
        "stage_id": str(present["stage_id"]),
        "pipeline_id": str(present["pipeline_id"]),
        "status": deal.fields["status"],
        "value": deal.fields["amount"],
        "currency": deal.fields["currency"],
    }
    told = _in_order([line for line in lines if line["field_key"] in now])
    state = dict(now)
    for line in reversed(told):
        state[line["field_key"]] = _told(line["field_key"], line["old_value"], now)
    born = deal.created_at or deal.modified_at
    past = [_step(deal, None, state, born, "0", "")]
    for at, group in groupby(told, key=lambda line: _at(line)):
        for number, step in enumerate(_steps(list(group), state, now)):
            before = _stage_key(state), state["value"], state["currency"]
            for line in step:
                state[line["field_key"]] = _told(line["field_key"], line["new_value"], now)
            if before != (_stage_key(state), state["value"], state["currency"]):
                mark, by = f"{stamp(at)}/{number}", str(step[0].get("actor_user_id") or "")
                past.append(_step(deal, before[0], state, at, mark, by))
    return past


def _at(line: Row) -> datetime:
    at = moment(line["time"])
    if at is None:
        raise ValueError("a change without a time")
    return at


def _in_order(lines: Sequence[Row]) -> list[Row]:
    """Oldest first. Times are whole seconds, so that the order within one is told by old values following new ones."""
    turned = lines[::-1]
    backward = sorted(turned, key=_at)
    last: dict[str, Any] = {}
    for line in backward:
        if last.setdefault(line["field_key"], line["old_value"]) != line["old_value"]:
            return sorted(lines, key=_at)
        last[line["field_key"]] = line["new_value"]
    return backward


def _steps(lines: list[Row], state: Mapping[str, Any], now: Mapping[str, Any]) -> list[list[Row]]:
    """The lines of one second as steps of one stage each; an amount goes with the stage before it."""
    trial, steps, has_moved = dict(state), [list[Row]()], False
    for line in lines:
        before = _stage_key(trial)
        trial[line["field_key"]] = _told(line["field_key"], line["new_value"], now)
        is_move = _stage_key(trial) != before
        if is_move and has_moved:
            steps.append([])
        has_moved = has_moved or is_move
        steps[-1].append(line)
    return steps


def _told(member: str, value: Any, now: Mapping[str, Any]) -> Any:
    if member == "value":
        return as_amount(value)
    return now[member] if value is None else str(value)


def _stage_key(state: Mapping[str, Any]) -> str:
    if state["status"] in ("won", "lost"):
        return f"{state['pipeline_id']}:{state['status']}"
    return str(state["stage_id"])


def _step(
    deal: RemoteRecord, before: str | None, state: Mapping[str, Any], at: datetime, mark: str, by: str
) -> StageChange:
    return StageChange(
        f"{deal.remote_id}/{mark}", deal.remote_id, before, _stage_key(state), state["value"], state["currency"], at, by
    )
