"""Pull: bring the deals that changed in a CRM here. The only road by which somebody else's facts reach `leads`.

A window runs from the watermark, less an overlap, to the *server's* clock at the start of the run. Each page commits
together with the place to go on from, so a run that dies is continued, not repeated; the watermark itself moves with
the last page. Reading twice what has not changed writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from django.db import transaction

from integrations.actions.pull.apply_deals import DealPages
from integrations.actions.pull.pull_activities import pull_activities
from integrations.actions.pull.pull_campaigns import pull_campaigns
from integrations.actions.pull.read_accounts import AccountPages
from integrations.actions.pull.read_people import PeoplePages
from integrations.actions.pull.read_reference import record_reference
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.runs.guard_run import guard_run
from integrations.actions.runs.hold_connection import Held
from integrations.actions.runs.log_run import Progress, RunLog, start_run
from integrations.connectors.base import (
    Connector,
    Kind,
    Misuse,
    Page,
    RemoteRecord,
    Window,
)
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRun, Watermark

# Changes become visible in the CRM some time after their stamp; what is read twice is recognized by its content.
OVERLAP = timedelta(minutes=10)
LOOK_ANYWAY = timedelta(days=1)
# Lists that are read as soon as two counts are.
FEW_PAGES = 3
# As many as a CRM tells of by their ids in one call.
MOST_ASKED = 100


def pull_held(
    *,
    held: Held,
    connector: Connector,
    rng: Random,
    reason: str,
    is_full: bool = False,
    progress: Progress | None = None,
) -> SyncRun:
    """Pull into a held connection; never raises for what the CRM does."""
    run = start_run(held=held, direction=SyncRun.Direction.PULL, reason=reason, connector=connector, progress=progress)
    return guard_run(run=run, held=held, rng=rng, work=lambda: _pull(held, connector, run, is_full))


class PageReader(Protocol):
    """Reads the pages of one kind: looks, fetches what a page lacks, writes."""

    kind: RecordKind
    strangers: int

    def look(self, records: Sequence[RemoteRecord]) -> None:
        """Compare a page with what we hold; reads only."""
        ...

    def fetch_more(self, connector: Connector) -> None:
        """Ask the CRM for what the page lacks; outside any transaction."""
        ...

    def write(self, run: RunLog, at: datetime) -> Collection[int]:
        """Write the page in the caller's transaction; returns leads that the CRMs should hear of."""
        ...


def reader_of(connection: Connection, kind: Kind) -> PageReader:
    """A reader for pages of this kind."""
    readers: dict[Kind, Callable[[Connection], PageReader]] = {
        "account": AccountPages,
        "person": PeoplePages,
        "deal": DealPages,
    }
    return readers[kind](connection)


def pulled_kinds(connector: Connector) -> tuple[Kind, ...]:
    """What is pulled, in the order in which it refers to one another."""
    order: tuple[Kind, ...] = ("account", "person", "deal")
    return tuple(kind for kind in order if kind in connector.capabilities.pulls)


def _pull(held: Held, connector: Connector, run: RunLog, is_full: bool) -> str:
    notes: list[str] = []
    if not Watermark.objects.filter(connection=held.connection).exists():
        # Before the first sync: the field of our own key, where the CRM lacks it.
        notes += connector.prepare()
    reference = connector.reference()
    record_reference(held=held, reference=reference)
    for kind in pulled_kinds(connector):
        notes += _pull_kind(held, connector, run, kind, reference.server_time, is_full)
    for kind in pulled_kinds(connector) if connector.capabilities.gone else ():
        _pull_gone(held, connector, run, kind, reference.server_time, is_full)
    pull_campaigns(held=held, connector=connector, run=run, until=reference.server_time)
    pull_activities(held=held, connector=connector, run=run, until=reference.server_time)
    return " ".join(dict.fromkeys(notes))


def _pull_kind(held: Held, connector: Connector, run: RunLog, kind: Kind, until: datetime, is_full: bool) -> list[str]:
    mark, _ = Watermark.objects.get_or_create(connection=held.connection, kind=kind)
    is_resumed = bool(mark.resume_token and mark.window_ends_at)
    if not is_resumed:
        mark.window_ends_at, mark.resume_token = until, ""
        if is_full:
            mark.read_to = None
    reader = reader_of(held.connection, kind)
    try:
        _read_window(held, connector, run, mark, reader, kind)
    except Misuse:
        if not is_resumed:
            raise
        # The CRM no longer knows the place to go on from: read the window anew.
        mark.window_ends_at, mark.resume_token = until, ""
        _read_window(held, connector, run, mark, reader, kind)
    return ["Went on where an earlier run ended."] if is_resumed else []


def _read_window(
    held: Held, connector: Connector, run: RunLog, mark: Watermark, reader: PageReader, kind: Kind
) -> None:
    if mark.window_ends_at is None:
        raise ValueError("the caller opens the window first")
    window = Window(mark.read_to and mark.read_to - OVERLAP, mark.window_ends_at)
    held.keep()
    for page in connector.changes(kind, window, mark.resume_token or None):
        _take(held, connector, run, reader, page, mark)


def _take(
    held: Held, connector: Connector, run: RunLog, reader: PageReader, page: Page, mark: Watermark | None
) -> None:
    """A page: compared, completed, then rows, links and the place to go on from in one transaction under the fence."""
    reader.look(page.records)
    held.keep()
    reader.fetch_more(connector)
    with transaction.atomic():
        at = held.keep()
        news = reader.write(run, at)
        enqueue_leads(lead_ids=news, at=at, reason="changed in the CRM")
        if mark is not None:
            _move(mark, page.resume)
        run.flush(at, seen=len(page.records))


def _move(mark: Watermark, resume: str | None) -> None:
    if resume is None:
        mark.read_to, mark.window_ends_at, mark.resume_token = mark.window_ends_at, None, ""
    else:
        # Too long a token is not kept: a run that dies then reads its window from the start.
        mark.resume_token = resume if len(resume) <= 500 else ""
    mark.save(update_fields=["read_to", "window_ends_at", "resume_token"])


def _pull_gone(held: Held, connector: Connector, run: RunLog, kind: Kind, until: datetime, is_full: bool) -> None:
    """What the window of changes leaves out: deleted, archived, merged. Its mark moves when all of it was read, so a
    run that dies reads it again; applying it twice changes nothing.

    Where the lists are long and the CRM counts, an unchanged number of living records says that none needs to be read;
    what we wrote since the last count is asked for by its ids. Once a day the lists are read anyway, for somebody
    archived and somebody else restored.
    """
    mark, _ = Watermark.objects.get_or_create(connection=held.connection, kind=kind)
    held.keep()
    counted_at = mark.living_at
    is_due = is_full or mark.gone_to is None or until - mark.gone_to >= LOOK_ANYWAY
    written = _written_since(held.connection, kind, counted_at) if counted_at else []
    lists, living = True, None
    if counted_at is not None:
        is_same = not is_due and len(written) <= MOST_ASKED and connector.living(kind, counted_at) == mark.living
        # Counted before the lists are read: what goes meanwhile is noticed by the next look.
        lists, living = not is_same, connector.living(kind, until)
    if not lists and written:
        held.keep()
        ended = [each for each in connector.fetch(kind, written).values() if each.is_archived]
        take_records(held=held, connector=connector, run=run, kind=kind, records=ended)
    # Nothing that was gone before we first read could be ours.
    since = mark.gone_to or held.connection.created_at
    reader, pages = reader_of(held.connection, kind), 0
    for page in connector.gone(kind, Window(since - OVERLAP, until), lists=lists):
        pages += 1
        _take(held, connector, run, reader, page, None)
    is_counted = not lists or pages > FEW_PAGES
    facts = {"living": living, "living_at": until} if is_counted else {"living": None, "living_at": None}
    Watermark.objects.filter(pk=mark.pk).update(**facts, **({"gone_to": until} if lists else {}))


def _written_since(connection: Connection, kind: Kind, moment: datetime) -> list[str]:
    links = ExternalRecord.objects.filter(connection=connection, kind=kind, archived_at=None)
    return list(links.filter(synced_at__gte=moment - OVERLAP).values_list("remote_id", flat=True)[: MOST_ASKED + 1])


def take_records(*, held: Held, connector: Connector, run: RunLog, kind: Kind, records: Sequence[RemoteRecord]) -> None:
    """Apply records that were fetched one by one, as a page of changes is applied."""
    _take(held, connector, run, reader_of(held.connection, kind), Page(tuple(records), None), None)
