"""Children stop when told, are killed when they do not, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.dev import processes
from config.dev.state import ROOT
from tests.dev.conftest import processes_with, wait_until

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
print("ready", flush=True)
time.sleep(60)
"""
POLITE = "import time; print('ready', flush=True); time.sleep(60)"


def start(code: str, folder: Path, name: str = "child") -> processes.Child:
    env = {**os.environ, "CHILD_MARK": str(folder)}
    child = processes.spawn(name, [sys.executable, "-c", code], env=env, log=folder / f"{name}.log")
    assert wait_until(lambda: "ready" in processes.tail(child.log), 10)
    return child


def test_polite_child_stops_at_once(tmp_path: Path) -> None:
    child = start(POLITE, tmp_path)
    began = time.monotonic()
    assert processes.stop([child], seconds=10) == []
    assert time.monotonic() - began < 5
    assert processes_with(str(tmp_path)) == []


def test_stubborn_child_and_its_own_child_are_killed_at_the_deadline(tmp_path: Path) -> None:
    polite, stubborn = start(POLITE, tmp_path, "polite"), start(STUBBORN, tmp_path, "stubborn")
    assert len(processes_with(str(tmp_path))) == 3
    began = time.monotonic()
    assert processes.stop([polite, stubborn], seconds=1) == ["stubborn"]
    assert 1 <= time.monotonic() - began < 5
    assert processes_with(str(tmp_path)) == []


def test_child_left_behind_by_a_leader_that_exits_is_killed(tmp_path: Path) -> None:
    code = STUBBORN.replace("time.sleep(60)\n", "signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)\n")
    leader = start(code, tmp_path)
    assert processes.stop([leader], seconds=10) == []
    assert processes_with(str(tmp_path)) == []


def test_child_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, time; from pathlib import Path; from config.dev import processes\n"
        f"processes.spawn('c', ['sleep', '60'], env=os.environ, log=Path({str(tmp_path / 'c.log')!r}))\n"
        "time.sleep(60)"
    )
    env = {**os.environ, "CHILD_MARK": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", code], env=env, cwd=ROOT)
    assert wait_until(lambda: len(processes_with(str(tmp_path))) == 2, 10)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: processes_with(str(tmp_path)) == [], 5)


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert processes.tail(log, lines=2) == "line 98\nline 99"
    assert processes.tail(tmp_path / "absent.log") == ""
    assert processes.tail(None) == ""


def test_long_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * 5_000_001)
    processes.stop([start(POLITE, tmp_path)], seconds=5)
    assert log.stat().st_size < 100
    assert (tmp_path / "child.log.1").stat().st_size == 5_000_001
