"""A process that forks a worker for each sync asked for: `python -m tests.integrations.flows.syncer <connection>
<seconds between HubSpot's searches> [jobs]`.

Each line on stdin has the seconds that the clock is ahead, how many leads change here first, chosen by the number
after that, and the moment of a job at which the worker kills itself, or "-". The worker plans a sync as a person does
and works on what is due, as the sweeper does. "calling <pid>" is said at its first call to the CRM, "pushing <pid>"
when it begins to push, "ended <status>" at its end. Batches and pages are small, so that a sync has many moments to die
in.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
BATCH, PAGE = 4, 5
BULK_FROM, BULK_SIZE = 8, 24
MOMENTS = {
    "made": ("POST", "jobs/ingest", True),
    "filled": ("PUT", "/batches", True),
    "closing": ("PATCH", "jobs/ingest/", False),
    "closed": ("PATCH", "jobs/ingest/", True),
    "reading": ("GET", "/successfulResults", False),
    "read": ("GET", "/successfulResults", True),
}
"""Moments of a Salesforce job: verb and part of the path of a call, and whether it is answered by then."""
UNFINISHED = 4
"""Status of a worker that the CRM put off."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make_small(searches_apart: float, with_jobs: bool) -> None:
    from integrations.connectors import vendors
    from integrations.connectors.hubspot import reader as hubspot_reader
    from integrations.connectors.hubspot import session as hubspot_session
    from integrations.connectors.hubspot.connector import HubSpotConnector
    from integrations.connectors.pipedrive.connector import PipedriveConnector
    from integrations.connectors.salesforce import bulk
    from integrations.connectors.salesforce import connector as salesforce
    from integrations.connectors.salesforce.connector import SalesforceConnector

    assert vendors()
    kinds: tuple[Any, ...] = (HubSpotConnector, PipedriveConnector, SalesforceConnector)
    for each in kinds:
        each.capabilities = replace(each.capabilities, batch_size=BATCH)
    if with_jobs:
        salesforce.BULK_FROM, bulk.FIRST_LOOK = BULK_FROM, 0.05
        able = SalesforceConnector.capabilities
        SalesforceConnector.capabilities = replace(able, bulk_from=BULK_FROM, bulk_size=BULK_SIZE)
    hubspot_session.SEARCHES_APART = searches_apart
    hubspot_reader.SEARCH_PAGE = hubspot_reader.LIST_PAGE = PAGE
    PipedriveConnector.__init__.__kwdefaults__["page_size"] = PAGE


def die_at(moment: str) -> None:
    """Kill this very process at the first call of that moment, as `kill -9` does."""
    from integrations.connectors.http import CrmSession

    verb, part, is_answered = MOMENTS[moment]
    real = CrmSession.send

    def send(session: Any, request: Any, **options: Any) -> Any:
        is_it = request.method == verb and part in request.url
        answer = real(session, request, **options) if is_answered or not is_it else None
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    CrmSession.send = send


def say_what_happens() -> None:
    from integrations.actions.jobs import run_sync
    from integrations.connectors.http import CrmSession

    push_held = run_sync.push_held

    def push(**given: Any) -> Any:
        say(f"pushing {os.getpid()}")
        return push_held(**given)

    run_sync.push_held = push
    real, said = CrmSession.send, []

    def send(session: Any, request: Any, **options: Any) -> Any:
        if os.getpid() not in said:
            said.append(os.getpid())
            say(f"calling {os.getpid()}")
        return real(session, request, **options)

    CrmSession.send = send


def change_leads(count: int, seed: int, at: datetime) -> None:
    """People here give some leads another first name, which is owed to the CRM at once."""
    from integrations.actions.push.enqueue import enqueue_leads
    from leads.models import Lead

    chosen = random.Random(seed).sample(list(Lead.objects.order_by("pk").values_list("pk", flat=True)), count)
    Lead.objects.filter(pk__in=chosen).update(first_name=f"Ada{seed}")
    enqueue_leads(lead_ids=chosen, at=at - timedelta(days=1), reason="captured")


def work(connection_id: int, ahead: int, changing: int, seed: int) -> bool:
    """Whether nothing is left to do."""
    from integrations.actions.jobs.plan_syncs import plan_manual_sync, run_due_syncs
    from integrations.models import Connection, PendingPush, SyncRun

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead)

    if changing:
        change_leads(changing, seed, clock())
    plan_manual_sync(connection=Connection.objects.get(pk=connection_id), by=None, at=clock())
    run_due_syncs(clock=clock, seed=os.getpid())
    runs = SyncRun.objects.filter(connection=connection_id).order_by("-pk")[:2]
    is_owing = PendingPush.objects.filter(connection=connection_id, state__in=("pending", "leased")).exists()
    return not is_owing and all(run.state == "done" for run in runs)


def main(connection_id: int, searches_apart: float, with_jobs: bool) -> None:
    import django

    django.setup()
    make_small(searches_apart, with_jobs)
    say_what_happens()
    import integrations.actions.jobs.plan_syncs  # so that workers need not

    assert integrations.actions.jobs.plan_syncs
    say("ready")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                *numbers, moment = line.split()
                if moment != "-":
                    die_at(moment)
                is_quiet = work(connection_id, *map(int, numbers))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(3)
            os._exit(0 if is_quiet else UNFINISHED)
        _, status = os.waitpid(pid, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:] == ["jobs"])
