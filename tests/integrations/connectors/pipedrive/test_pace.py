"""Pipedrive's limits are kept by waiting: so many requests in two seconds as its answers tell, and ten searches."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import pytest

from integrations.connectors.base import Account, Draft
from integrations.connectors.pipedrive import session as pipedrive_session
from integrations.connectors.pipedrive.connector import PipedriveConnector
from tests.integrations.sandbox_crm.running import TOKEN, running_crm


class Watch:
    """Waits are added to the time instead of being slept through."""

    waited = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += seconds


def most(moments: list[float], span: float) -> int:
    found, window = 0, deque[float]()
    for moment in moments:
        window.append(moment)
        while window[0] <= moment - span:
            window.popleft()
        found = max(found, len(window))
    return found


@pytest.mark.parametrize("is_paced", [True, False])
def test_bursts_and_searches_are_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_paced: bool) -> None:
    watch, sent, searched = Watch(), list[float](), list[float]()
    monkeypatch.setattr(pipedrive_session, "time", watch)
    monkeypatch.setattr(pipedrive_session, "PACE_ON_LOOPBACK", is_paced)
    real = pipedrive_session.CrmSession.send

    def noting(session, request, **options):
        (searched if "/search" in request.url else sent).append(watch.monotonic())
        return real(session, request, **options)

    monkeypatch.setattr(pipedrive_session.CrmSession, "send", noting)
    with running_crm(tmp_path / "crm.sqlite3") as server:
        connector = PipedriveConnector(Account(f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True))
        connector.prepare()
        for n in range(35):  # one after the other: a batch would list
            list(connector.upsert("person", [Draft(f"k{n}", {"email": f"a{n}@b.example"})]))
        for _ in range(100):
            connector.check()
        connector.close()
    assert (most(searched, 1.9) <= 10) is is_paced
    assert not is_paced or most(sorted(sent + searched), 1.9) <= 80
    assert (watch.waited > 5) is is_paced
