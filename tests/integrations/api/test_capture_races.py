"""Identical and overlapping posts from several processes at the same moment, on a database of real files or servers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from leads.models import Account, Campaign, IdempotentAnswer, Lead, LeadEvent, TerritoryRep, Touchpoint
from tests import forking
from tests.leads.api.keys import make_key
from tests.leads.factories import TerritoryFactory, UserFactory, rule

PROCESSES = 4
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def body(n: int = 0, event: int = 0) -> dict[str, Any]:
    return {
        "email": f"person{n}@company{n % 3}.example",
        "country": "DE",
        "job_title": "CTO",
        "company_size": 100,
        "event": {
            "type": "form_submission",
            "occurred_at": "2026-11-16T09:30:00Z",
            "name": f"Form {event}",
            "utm": {"source": "google", "medium": "cpc", "campaign": f"campaign-{n % 2}"},
        },
    }


@contextmanager
def shared_database(folder: Path) -> Iterator[str]:
    """An address of the test's database that other processes can use; its rows come back at the end."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        file = folder / "shared.sqlite3"
        with sqlite3.connect(file) as copy:
            connection.connection.backup(copy)
        copy.close()
        yield f"sqlite:///{file}"
        with sqlite3.connect(file) as copy:
            copy.backup(connection.connection)
        copy.close()
    else:
        known = connection.settings_dict
        user = f"{quote(known['USER'])}:{quote(known['PASSWORD'])}" if known["PASSWORD"] else quote(known["USER"])
        port = f":{known['PORT']}" if known["PORT"] else ""
        yield f"postgres://{user}@{quote(known['HOST'], safe='')}{port}/{connection.settings_dict['NAME']}"


def race(folder: Path, requests: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One process for each list of requests, all starting together; every answer."""
    authorization = make_key()[1]["Authorization"]
    start = folder / "start"
    with shared_database(folder) as address:
        processes = []
        for index, each in enumerate(requests):
            job = folder / f"job-{index}.json"
            job.write_text(json.dumps({"start": str(start), "authorization": authorization, "requests": each}))
            processes.append(forking.start("tests.integrations.api.poster", job, address=address))
        return [answer for said in forking.race(processes, start) for answer in json.loads(said)]


def test_identical_requests_with_one_key_make_one_lead_and_one_answer(tmp_path: Path) -> None:
    request = {"body": json.dumps(body()), "key": "form-1"}

    answers = race(tmp_path, [[request]] * PROCESSES)

    assert [answer["status"] for answer in answers] == [201] * PROCESSES
    assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * (PROCESSES - 1)
    assert all(answer["body"] == answers[0]["body"] for answer in answers)
    counts = (Lead.objects.count(), Touchpoint.objects.count(), IdempotentAnswer.objects.count())
    assert counts == (1, 1, 1)


def test_overlapping_requests_never_double_anything_and_turns_stay_fair(tmp_path: Path) -> None:
    territory = TerritoryFactory()
    rule(territory, country=["DE"])
    for _ in range(3):
        TerritoryRep.objects.create(territory=territory, rep=UserFactory())
    people = 12
    orders = [list(range(people)), list(range(people))[::-1]] * (PROCESSES // 2)
    requests = [
        [{"body": json.dumps(body(n))} for n in order]
        + [{"body": json.dumps({"leads": [body(n, event=process) for n in order]})}]
        for process, order in enumerate(orders)
    ]

    answers = race(tmp_path, requests)

    assert {answer["status"] for answer in answers} <= {200, 201}, [a for a in answers if a["status"] >= 400][:2]
    assert sum(answer["body"].get("is_new", False) for answer in answers) <= people
    assert (Lead.objects.count(), Account.objects.count(), Campaign.objects.count()) == (people, 3, 2)
    # The single posts and process 0's batch are the same event 0; the other batches bring one event each.
    assert Touchpoint.objects.count() == people * PROCESSES
    assert LeadEvent.objects.filter(kind="captured").count() == people
    assert LeadEvent.objects.filter(kind="assigned").count() == people
    # Each company keeps its rep, and three companies in turn went to three reps.
    owners = set(Lead.objects.values_list("account", "owner"))
    assert len(owners) == 3
    assert len({owner for _, owner in owners}) == 3
    assert sum(TerritoryRep.objects.values_list("credit", flat=True)) == 0
