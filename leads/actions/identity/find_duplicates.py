"""Find leads that may be one person, as suggestions for people: looked for are only those that changed.

Each lead has keys (see `leads.pure.spelling.alike`); two that share one make a suggestion. A lead that changed gets its
keys anew, and is compared with those that share one: the cost follows what changed, not how many leads there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import combinations

from django.db import transaction
from django.db.models import Q

from leads.models import Duplicate, IdentityKey, JobRun, Lead
from leads.past.news import changed_rows
from leads.past.settled import settled_at_once
from leads.pure.spelling.alike import COMMON, REASONS, STRENGTH, Person, keys_of, reason_of

_MARK = ("duplicates", "looked for up to")
AT_ONCE = 500
Pair = tuple[int, int]
_State = Duplicate.State


def find_duplicates(*, at: datetime | None = None) -> int:
    """Look at the leads that changed since the last call, all at the first; returns how many were looked at.

    Chunk by chunk, each in one transaction; the place is kept at the end: after a kill some are looked at again, which
    changes nothing. ``at``: for tests, the moment up to which is read.
    """
    until = at or settled_at_once()
    kind, period = _MARK
    mark = JobRun.objects.filter(kind=kind, period=period).first()
    if mark is None or mark.finished_at is None:
        ids = list(Lead.objects.live().order_by("pk").values_list("pk", flat=True))
    else:
        ids = changed_rows(Lead, since=mark.finished_at, until=until)
    for start in range(0, len(ids), AT_ONCE):
        with transaction.atomic():
            compare_leads(lead_ids=ids[start : start + AT_ONCE], at=until)
    values = {"state": JobRun.State.DONE, "finished_at": until}
    JobRun.objects.update_or_create(
        kind=kind, period=period, defaults=values, create_defaults={**values, "created_at": until}
    )
    return len(ids)


def compare_leads(*, lead_ids: Sequence[int], at: datetime) -> None:
    """Bring keys and suggestions of these leads up to date, in a fixed number of queries for each `AT_ONCE`."""
    keys = _refresh_keys(lead_ids)
    alike = _alike(keys, set(lead_ids))
    known = {
        (each.first_id, each.second_id): each
        for each in Duplicate.objects.filter(Q(first__in=lead_ids) | Q(second__in=lead_ids))
    }
    gone = [row.pk for pair, row in known.items() if pair not in alike and row.state != _State.DIFFERENT]
    Duplicate.objects.filter(pk__in=gone).delete()
    changed, fresh = [], []
    for pair, kinds in alike.items():
        reasons, strength = [REASONS[kind] for kind in kinds], sum(STRENGTH[kind] for kind in kinds)
        row = known.get(pair)
        if row is None:
            fresh.append(
                Duplicate(first_id=pair[0], second_id=pair[1], reasons=reasons, strength=strength, found_at=at)
            )
        elif (row.reasons, row.strength) != (reasons, strength) or row.state == _State.MERGED:
            row.reasons, row.strength = reasons, strength
            # Both live, so that the merge was taken back.
            row.state = _State.OPEN if row.state == _State.MERGED else row.state
            changed.append(row)
    Duplicate.objects.bulk_update(changed, ["reasons", "strength", "state"], batch_size=AT_ONCE)
    Duplicate.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=AT_ONCE)


def _refresh_keys(lead_ids: Sequence[int]) -> set[str]:
    """Write the keys that these leads have now; returns all of them."""
    columns = ("email", "first_name", "last_name", "company", "phone", "country")
    people = Lead.objects.live().filter(pk__in=lead_ids).values_list("pk", *columns)
    wanted = {(pk, key) for pk, *told in people for key in keys_of(Person(*(each or "" for each in told)))}
    present = {
        (lead, key): pk
        for pk, lead, key in IdentityKey.objects.filter(lead__in=lead_ids).values_list("pk", "lead_id", "key")
    }
    IdentityKey.objects.filter(pk__in=[pk for pair, pk in present.items() if pair not in wanted]).delete()
    IdentityKey.objects.bulk_create(
        [IdentityKey(lead_id=lead, key=key) for lead, key in sorted(wanted - present.keys())],
        ignore_conflicts=True,
        batch_size=AT_ONCE,
    )
    return {key for _, key in wanted}


def _alike(keys: Collection[str], lead_ids: Collection[int]) -> dict[Pair, list[str]]:
    """Pairs that share a key, one of these leads in each, with the kinds of keys they share, the surest first."""
    found: defaultdict[Pair, set[str]] = defaultdict(set)
    for key, holders in _holders(keys):
        if len(holders) > COMMON:
            continue
        for pair in combinations(sorted(holders), 2):
            if pair[0] in lead_ids or pair[1] in lead_ids:
                found[pair].add(reason_of(key))
    return {pair: sorted(kinds, key=lambda kind: (-STRENGTH[kind], kind)) for pair, kinds in sorted(found.items())}


def _holders(keys: Collection[str]) -> Iterator[tuple[str, set[int]]]:
    listed = sorted(keys)
    for start in range(0, len(listed), AT_ONCE):
        by_key: defaultdict[str, set[int]] = defaultdict(set)
        rows = IdentityKey.objects.filter(key__in=listed[start : start + AT_ONCE], lead__merged_into__isnull=True)
        for key, lead in rows.values_list("key", "lead_id"):
            by_key[key].add(lead)
        yield from ((key, holders) for key, holders in by_key.items() if len(holders) > 1)
