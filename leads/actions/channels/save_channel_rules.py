"""Put another set of channel rules in force, dated and kept as a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from leads.models import Channel, ChannelRule, ChannelRuleVersion, User
from leads.pure.channels import channels
from leads.pure.conditions.grammar import Group, from_json, to_json
from leads.pure.refused import Refused

FIELDS = ("channel__key", "conditions")
FOUND = "Rules as they were found"


class RulesRefused(Refused):
    """The rules cannot be saved so; the message tells a person why."""


def rules_in_force() -> list[channels.ChannelRule]:
    """The channel rules as plain values; positions are places in the order, 1, 2, 3 …, whatever gaps the rows have."""
    rows = ChannelRule.objects.order_by("position").values_list(*FIELDS)
    return [channels.ChannelRule(place, key, from_json(held)) for place, (key, held) in enumerate(rows, start=1)]


def save_channel_rules(
    *,
    before: Sequence[channels.ChannelRule],
    after: Sequence[channels.ChannelRule],
    change: str,
    moves: int,
    by: User | None,
    at: datetime,
    taken_back_to: int | None = None,
) -> ChannelRuleVersion:
    """Replace the rules ``before`` by ``after``; returns the new version. New touches follow it at once.

    The rules as found are kept as a version, too, when nobody kept them yet. ``taken_back_to`` is the number of the
    version that ``after`` comes from, if it does. Raises RulesRefused when the rules are no longer those of ``before``,
    when nothing would change, when a later rule could never be reached, or when a channel is gone.
    """
    known = dict(Channel.objects.values_list("key", "pk"))
    with transaction.atomic():
        rows = list(ChannelRule.objects.select_for_update().order_by("pk"))
        found = rules_in_force()
        if [_plain(rule) for rule in found] != [_plain(rule) for rule in before]:
            raise RulesRefused("Somebody changed the rules meanwhile. Look at them again, then repeat your change.")
        if [_plain(rule) for rule in after] == [_plain(rule) for rule in found]:
            raise RulesRefused("Nothing would change.")
        _refuse_unreachable(after)
        gone = sorted({rule.channel for rule in after} - known.keys())
        if gone:
            raise RulesRefused(f"There is no channel {' nor '.join(gone)} any more.")
        last = ChannelRuleVersion.objects.order_by("-number").first()
        if last is None or last.held != found:
            last = _version((last.number if last else 0) + 1, found, FOUND, 0, None, at)
        _write(rows, after, known)
        return _version(last.number + 1, after, change, moves, by, at, taken_back_to)


def take_back_rules(
    *, to: ChannelRuleVersion, before: Sequence[channels.ChannelRule], moves: int, by: User | None, at: datetime
) -> ChannelRuleVersion:
    """Put the rules of an earlier version in force again, as a new version. Raises RulesRefused as saving does.

    Past touches keep their channels, as with every version: applying the rules to them moves them back.
    """
    return save_channel_rules(
        before=before,
        after=to.held,
        change=f"The rules of version {to.number} again: {to.change}",
        moves=moves,
        by=by,
        at=at,
        taken_back_to=to.number,
    )


def _refuse_unreachable(rules: Sequence[channels.ChannelRule]) -> None:
    for rule in rules[:-1]:
        if not rule.conditions.items:
            raise RulesRefused(
                f"Rule {rule.position} has no condition and takes whatever comes: no rule after it would ever be"
                " reached. Give it a condition, or make it the last."
            )


def _write(rows: Sequence[ChannelRule], after: Sequence[channels.ChannelRule], known: dict[str, int]) -> None:
    """Rows keep their identity by content where they can, so that the history of each reads as it happened."""
    by_content: dict[tuple[object, ...], list[ChannelRule]] = {}
    for row in rows:
        by_content.setdefault(_content(row.channel_id, row), []).append(row)
    pairs: list[tuple[channels.ChannelRule, ChannelRule | None]] = []
    for rule in after:
        alike = by_content.get(_content(known[rule.channel], rule), [])
        pairs.append((rule, alike.pop(0) if alike else None))
    left = [row for alike in by_content.values() for row in alike]
    pairs = [(rule, row or (left.pop(0) if left else None)) for rule, row in pairs]
    for row in left:
        row.delete()
    # Positions are unique: first all out of the way, then each to its place.
    free = (ChannelRule.objects.aggregate(last=Max("position"))["last"] or 0) + len(after) + 1
    moving = [row for rule, row in pairs if row is not None and row.position != rule.position]
    for place, row in enumerate(moving):
        ChannelRule.objects.filter(pk=row.pk).update(position=free + place)
    for rule, kept in pairs:
        target = kept or ChannelRule()
        told = (target.position, *_content(target.channel_id, target)) if kept else None
        target.position, target.channel_id = rule.position, known[rule.channel]
        target.conditions = to_json(rule.conditions)
        if told != (target.position, *_content(target.channel_id, target)):
            target.save()


def _content(channel: int | None, rule: ChannelRule | channels.ChannelRule) -> tuple[object, ...]:
    held = rule.conditions
    return channel, held if isinstance(held, Group) else from_json(held)


def _plain(rule: channels.ChannelRule) -> list[object]:
    return [rule.position, rule.channel, to_json(rule.conditions)]


def _version(
    number: int,
    rules: Sequence[channels.ChannelRule],
    change: str,
    moves: int,
    by: User | None,
    at: datetime,
    taken_back_to: int | None = None,
) -> ChannelRuleVersion:
    return ChannelRuleVersion.objects.create(
        number=number,
        rules=[_plain(rule) for rule in rules],
        change=change[:300],
        moves=moves,
        taken_back_to=taken_back_to,
        saved_by=by,
        saved_at=at,
    )
