"""Which tests share a worker, and in which order workers take them up.

A file's tests stay together, so that what they share is made once; some files share more than that. What takes longest
is begun first, so that no worker is left alone with it at the end.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    # One demo and one Chromium, one small demo company.
    "tests/browser/": "browser",
    "tests/architecture/test_access.py": "demo company",
    "tests/architecture/test_query_counts.py": "demo company",
}
"""Beginnings of paths → what they share."""
LONGEST = (
    "tests/browser/",
    "tests/architecture/test_access.py",
    "tests/architecture/test_query_counts.py",
    "tests/architecture/test_migrations.py",
    "tests/leads/actions/imports/test_funnel.py",
    "tests/dev/test_supervisor.py",
    "tests/config/demo/",
    "tests/integrations/flows/test_faults.py",
    "tests/integrations/flows/test_killed_syncs.py",
    "tests/integrations/flows/test_killed_pushes.py",
    "tests/integrations/connectors/test_add_a_connector.py",
    "tests/integrations/api/test_capture_any_body.py",
    "tests/integrations/api/test_capture_races.py",
    "tests/dev/test_services.py",
    "tests/attribution/figures/",
    "tests/alignment/",
    "tests/leads/figures/",
)
"""Beginnings of paths in the order of their seconds, as `pytest --durations` shows them; the rest is short."""


def place(nodeid: str) -> int:
    """Where in the order a test stands."""
    return next((place for place, path in enumerate(LONGEST) if nodeid.startswith(path)), len(LONGEST))


def shared(nodeid: str) -> str:
    """What a test has in common with all tests that must run in the same worker: its file, or more."""
    return next((name for path, name in TOGETHER.items() if nodeid.startswith(path)), nodeid.partition("::")[0])


class LongestFirst(LoadScopeScheduling):
    """Hands out files, or what shares more than a file, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return shared(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only for workers: somebody who runs a few tests alone gets them in the usual order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LongestFirst:
    config.option.loadscopereorder = False
    return LongestFirst(config, log)
