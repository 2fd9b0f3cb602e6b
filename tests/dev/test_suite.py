"""What counts as a green run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.dev import state, suite

REPORT = '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="20"></testsuite></testsuites>'


def test_counts_come_from_the_report() -> None:
    got = suite.outcome("SQLite", REPORT, 1, 2.0)
    assert (got.passed, got.failed, got.skipped) == (14, 3, 3)
    assert suite.outcome("SQLite", "", 3, 1.0).passed == 0


@pytest.mark.parametrize(
    ("passed", "skipped", "status", "ci", "good"),
    [
        (5, 0, 0, True, True),
        (5, 1, 0, True, False),
        (5, 1, 0, False, True),
        (5, 0, 1, False, False),
        (0, 0, 5, True, False),
        (0, 0, 0, True, False),
    ],
)
def test_good_run(passed: int, skipped: int, status: int, ci: bool, good: bool) -> None:
    assert suite.Outcome("SQLite", passed, 0, skipped, status, 1.0).is_good(ci=ci) is good


def test_summary_ends_with_the_total() -> None:
    outcomes = [suite.Outcome("SQLite", 5, 0, 1, 0, 1.0), suite.Outcome("PostgreSQL", 4, 1, 0, 1, 2.0)]
    text = suite.summary(outcomes, ci=True)
    assert text.splitlines()[-1] == "9 passed, 1 failed"
    assert "A skipped test is a failure here" in text


def test_only_what_is_missing_is_left_out() -> None:
    assert suite.unavailable([]) == ""
    assert suite.unavailable(["browser"]) == "not browser"
    assert "-m not browser" in " ".join(suite.pytest_command(Path("r.xml"), "not browser", ["-k", "x"]))
    assert suite.pytest_command(Path("r.xml"), "", ["-k", "x"])[-2:] == ["-k", "x"]


OF_THE_DATABASE = re.compile(r'django_db|\bdb: |: Company\b|usefixtures\("(db|company)"|hypothesis\.extra\.django')


def test_what_runs_on_one_database_only_touches_none() -> None:
    for name in suite.DATABASE_FREE:
        path = state.ROOT / name
        files = [path] if path.is_file() else list(path.rglob("test_*.py"))
        assert files, name
        asking = [each for each in files if OF_THE_DATABASE.search(each.read_text())]
        assert [each for each in asking if each != Path(__file__)] == []


def test_what_is_judged_on_one_database_is_there() -> None:
    assert [name for name in suite.LOOKS if not (state.ROOT / name).is_file()] == []
