"""Pull activities: what happened with people in the CRM becomes touchpoints, by the rules that the connection chose.

An activity is known by its id and its person, so reading it again adds nothing. One that is deleted or canceled there,
or does not count under the rule any more, has its touchpoint taken back; one that was moved is recorded anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from integrations.actions.pull.who_is_who import leads_of
from integrations.actions.runs.hold_connection import Held
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Connector, RemoteActivity, Window
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord, Watermark
from integrations.pure.activity_rules import LIST, MEMBER, TOUCHES, Dealing, counts, patterns_of
from leads.actions.capture.record_touches import RecordedTouch, TouchFact, known_touches, record_touches
from leads.actions.capture.remove_touches import remove_touches
from leads.models import Touchpoint

OVERLAP = timedelta(minutes=10)
BATCH = 500
_Outcome = SyncRecord.Outcome


def pull_activities(*, held: Held, connector: Connector, run: RunLog, until: datetime) -> None:
    """Read what changed since the last time of the kinds that are chosen. Does nothing where none is."""
    rules = {kind: rule for kind, rule in held.connection.activities.items() if kind != MEMBER}
    if not rules:
        return
    mark, _ = Watermark.objects.get_or_create(connection=held.connection, kind=RecordKind.TOUCH)
    names = patterns_of(rules.get(LIST, {}).get("names", ""))
    window = Window(mark.read_to and mark.read_to - OVERLAP, until)
    held.keep()
    activities = iter(connector.activities(tuple(rules), window, names))
    while some := list(islice(activities, BATCH)):
        with transaction.atomic():
            _Batch(held, run, rules, names).take(some)
    # Whoever changes the rules meanwhile has taken the mark back to the start: the next sync reads everything then.
    Watermark.objects.filter(pk=mark.pk, read_to=mark.read_to).update(read_to=until)


@dataclass(frozen=True, slots=True)
class _Part:
    """One person's part in an activity, under the key of the touchpoint that it is."""

    key: str
    each: RemoteActivity
    lead_id: int


class _Batch:
    """Some activities, in one transaction under the fence."""

    def __init__(self, held: Held, run: RunLog, rules: Mapping[str, Mapping[str, str]], names: Sequence[str]) -> None:
        self.connection: Connection = held.connection
        self.run, self.rules, self.names = run, rules, names
        self.at, self.source = held.keep(), f"crm:{held.connection.source}"

    def take(self, some: Sequence[RemoteActivity]) -> None:
        newest = {(each.kind, each.remote_id): each for each in some}  # a page may repeat a record
        parts = {part.key: part for part in self._parts(list(newest.values()))}
        wanted = {key for key, part in parts.items() if self._counts(part.each)}
        known = known_touches(keys=list(parts), source=self.source)
        gone = self._gone(newest.values(), known)
        moved = {key: touch for key, touch in known.items() if key in wanted and self._is_moved(parts[key], touch)}
        dropped = {key: touch for key, touch in known.items() if key not in wanted} | gone
        self._take_back([*moved.values(), *dropped.values()], dropped)
        held_keys = self._held(wanted)
        facts = [self._fact(parts[key]) for key in sorted(wanted - held_keys) if key not in known or key in moved]
        for each in record_touches(facts=facts, source=self.source, at=self.at):
            self._note(each)
        self.run.flush(self.at, seen=len(some))

    def _parts(self, some: Sequence[RemoteActivity]) -> Iterator[_Part]:
        found = leads_of(
            connection=self.connection,
            people=[person for each in some for person in each.people],
            emails={email for each in some for email in each.emails},
        )
        for each in some:
            seen: set[int] = set()
            who = [(person.person_id, found.by_person.get(person.person_id)) for person in each.people]
            who += [(email.lower(), found.by_email.get(email.strip().lower())) for email in each.emails]
            for name, lead_id in who:
                if lead_id is not None and lead_id not in seen:
                    seen.add(lead_id)
                    yield _Part(f"activity:{each.kind}:{each.remote_id}:{name}", each, lead_id)

    def _counts(self, each: RemoteActivity) -> bool:
        if each.is_gone:
            return False
        dealing = Dealing(each.kind, each.happened_at, each.state, each.is_answered, each.way, each.name)
        return counts(dealing, self.rules[each.kind]["rule"], self.at, self.names)

    def _gone(self, some: Collection[RemoteActivity], known: Mapping[str, Touchpoint]) -> dict[str, Touchpoint]:
        """Touchpoints of activities that are gone and do not say any more whose they were."""
        bare = [f"activity:{each.kind}:{each.remote_id}" for each in some if each.is_gone and not each.people]
        if not bare:
            return {}
        rows = SyncRecord.objects.filter(
            run__connection=self.connection, kind=RecordKind.TOUCH, way=SyncRecord.Way.IN, title__in=bare
        )
        keys = {row.remote_id for row in rows if row.remote_id not in known}
        return known_touches(keys=list(keys), source=self.source)

    def _is_moved(self, part: _Part, touch: Touchpoint) -> bool:
        return touch.occurred_at != min(part.each.happened_at, self.at) and touch.occurred_at != part.each.happened_at

    def _held(self, keys: Collection[str]) -> set[str]:
        """Keys of touchpoints that an undo took back; they stay away until somebody releases them."""
        rows = ExternalRecord.objects.filter(
            connection=self.connection, kind=RecordKind.TOUCH, remote_id__in=keys, held_at__isnull=False
        )
        return set(rows.values_list("remote_id", flat=True))

    def _fact(self, part: _Part) -> TouchFact:
        each, rule = part.each, self.rules[part.each.kind]
        return TouchFact(
            key=part.key,
            lead_id=part.lead_id,
            kind=TOUCHES[each.kind],
            occurred_at=each.happened_at if each.happened_at <= self.at else self.at,
            channel_key=rule.get("channel", ""),
            landing_page=each.page_url,
            name=each.name,
        )

    def _take_back(self, touches: Sequence[Touchpoint], dropped: Mapping[str, Touchpoint]) -> None:
        if not touches:
            return
        nothing = (None, None)
        remove_touches(
            touch_ids=[touch.pk for touch in touches],
            first_before={touch.lead_id: nothing for touch in touches},
            source=f"CRM {self.connection}",
            at=self.at,
            by=None,
        )
        for key, touch in dropped.items():
            words = "It is deleted or canceled in the CRM, or does not count any more."
            shared = {"kind": RecordKind.TOUCH, "way": SyncRecord.Way.IN, "note": words}
            self.run.add(_Outcome.REMOVED, self.at, lead_id=touch.lead_id, remote_id=key[:120], **shared)

    def _note(self, each: RecordedTouch) -> None:
        self.run.add(
            _Outcome.CREATED,
            self.at,
            kind=RecordKind.TOUCH,
            way=SyncRecord.Way.IN,
            lead_id=each.fact.lead_id,
            remote_id=each.fact.key[:120],
            # How a deletion that names nobody finds its touchpoints again.
            title=each.fact.key.rpartition(":")[0][:200],
            written={**each.first, "touch": [None, each.touch.pk]},
        )
