"""Writers of one SQLite file take turns: nobody is passed over, however often another writes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from leads.past.backends.sqlite3 import turn
from leads.past.backends.sqlite3.turn import NoTurn, Turn

HOG = """
import sys, time
from leads.past.backends.sqlite3.turn import Turn
mine = Turn(sys.argv[1], patience=30)
print("begins", flush=True)
while True:
    with mine:
        time.sleep(0.05)
"""


@pytest.fixture
def hogs(tmp_path: Path) -> Iterator[str]:
    """Two processes that write 50 ms at a time and begin again at once; yields the path of the database."""
    path = str(tmp_path / "some.sqlite3")
    processes = [subprocess.Popen([sys.executable, "-c", HOG, path], stdout=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    yield path
    for process in processes:
        process.kill()
        process.wait()


def test_who_writes_all_the_time_lets_others_in_between(hogs: str) -> None:
    mine, waited = Turn(hogs, patience=30), []
    for _ in range(6):
        began = time.monotonic()
        with mine:
            waited.append(time.monotonic() - began)
    assert max(waited) < 1


def test_patience_ends(tmp_path: Path) -> None:
    path = str(tmp_path / "some.sqlite3")
    with Turn(path, patience=1):
        other = Turn(path, patience=0.05)
        with pytest.raises(NoTurn):
            other.take()
    other.take()
    other.close()


def test_a_process_that_dies_gives_its_turn_back(tmp_path: Path) -> None:
    path = str(tmp_path / "some.sqlite3")
    code = (
        f"from leads.past.backends.sqlite3.turn import Turn\nTurn({path!r}, patience=1).take()\nimport os; os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    Turn(path, patience=0.05).take()


def test_background_work_rests_as_long_as_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "_gives_way", True)
    mine = Turn(str(tmp_path / "some.sqlite3"), patience=1)
    with mine:
        time.sleep(0.2)
    began = time.monotonic()
    with mine:
        assert time.monotonic() - began > 0.15


@pytest.fixture
def handler(db: None, tmp_path: Path) -> Iterator[ConnectionHandler]:
    """A database in a file, as the demo has one."""
    options = {"transaction_mode": "IMMEDIATE", "timeout": 0.2, "init_command": "PRAGMA journal_mode=WAL"}
    database = {"ENGINE": "leads.past.backends.sqlite3", "NAME": str(tmp_path / "own.sqlite3"), "OPTIONS": options}
    made = ConnectionHandler({"default": database})
    with made["default"].cursor() as cursor:
        cursor.execute("CREATE TABLE noted (text)")
    yield made
    made.close_all()


def test_a_transaction_holds_the_turn_to_its_end(handler: ConnectionHandler) -> None:
    mine = handler["default"]
    path = str(mine.settings_dict["NAME"])
    with mine.cursor() as cursor:
        mine.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        cursor.execute("INSERT INTO noted VALUES ('a')")
        with pytest.raises(NoTurn):
            Turn(path, patience=0.05).take()
        mine.rollback()
        Turn(path, patience=0.05).take()


def test_a_write_that_gets_no_turn_says_that_the_database_is_locked(handler: ConnectionHandler) -> None:
    mine = handler["default"]
    with Turn(str(mine.settings_dict["NAME"]), patience=1), mine.cursor() as cursor:
        with pytest.raises(OperationalError, match="database is locked"):
            cursor.execute("INSERT INTO noted VALUES ('a')")
        cursor.execute("SELECT count(*) FROM noted")
        assert cursor.fetchone() == (0,)


def test_a_write_outside_of_a_transaction_waits_too(handler: ConnectionHandler) -> None:
    mine = handler["default"]
    other = Turn(str(mine.settings_dict["NAME"]), patience=1)
    other.take()
    threading.Timer(0.1, other.give_back).start()
    began = time.monotonic()
    with mine.cursor() as cursor:
        cursor.execute("INSERT INTO noted VALUES ('a')")
    assert time.monotonic() - began > 0.08
