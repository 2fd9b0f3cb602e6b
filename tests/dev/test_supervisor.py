"""The supervisor with its real processes: starts, refuses a rival, restarts the dead, leaves nothing running."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.dev import commands, processes, state, supervisor
from config.dev.state import ROOT
from tests.dev.conftest import processes_with, wait_until

pytestmark = pytest.mark.slow


def test_restarts_come_later_each_time_and_end() -> None:
    delays = [supervisor.restart_delay(deaths) for deaths in range(1, 8)]
    assert delays == [1, 2, 4, 8, 15, None, None]


def test_sign_ins_show_every_role_and_the_key() -> None:
    users = [{"role": "sales_rep", "email": "rep@example.com", "password": "pass-word"}]
    text = commands.sign_ins({"users": users, "api_key": "k.secret"})
    assert "sales_rep" in text
    assert "rep@example.com" in text
    assert "pass-word" in text
    assert "k.secret" in text


def test_address_in_demo_json_follows_the_port(tmp_path: Path) -> None:
    out = tmp_path / "demo.json"
    out.write_text('{"url": "http://127.0.0.1:1", "api_key": "k"}')
    supervisor.Supervisor("demo", tmp_path, 8123, {}).note_address(out)
    assert '"url": "http://127.0.0.1:8123"' in out.read_text()
    assert '"api_key": "k"' in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def quiet(folder: Path) -> tuple[supervisor.Supervisor, io.StringIO]:
    said = io.StringIO()
    made = supervisor.Supervisor("serve", folder, 1, {}, say=lambda text: said.write(text) and None)
    made.env = dict(os.environ)
    return made, said


def test_child_that_keeps_dying_ends_the_run_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "restart_delay", lambda deaths: 0.05 if deaths < 3 else None)
    made, said = quiet(tmp_path)
    made.keep("broken", ["sh", "-c", "echo the reason; exit 3"])
    with pytest.raises(supervisor.Failed, match=r"broken keeps dying \(status 3\)") as caught:
        made.watch()
    assert processes.tail(caught.value.log).count("the reason") == 3
    assert said.getvalue().count("restarting") == 2
    made.stop()


def test_failing_step_names_its_log(tmp_path: Path) -> None:
    made, _ = quiet(tmp_path)
    with pytest.raises(supervisor.Failed, match="migrate failed") as caught:
        made.command("migrate", ["sh", "-c", "echo no such table; exit 1"])
    assert "no such table" in processes.tail(caught.value.log)


def test_stop_during_a_step_ends_the_step(tmp_path: Path) -> None:
    made, _ = quiet(tmp_path)
    made.env["CHILD_MARK"] = str(tmp_path)
    signal.signal(signal.SIGALRM, made.ask_to_stop)
    signal.alarm(1)
    with pytest.raises(supervisor.Stopped):
        made.command("seed", ["sleep", "60"], aloud=True)
    made.stop()
    assert processes_with(str(tmp_path)) == []


# --- the real thing -------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Portal:
    """A supervisor in a process of its own, on a folder and port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        drop = {"DJANGO_SETTINGS_MODULE", "REDIS_URL", "PORTAL_MODE"}
        # A real PostgreSQL stays in use; the tests' SQLite file does not, since ours must make its own.
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            drop.add("DATABASE_URL")
        kept = {key: value for key, value in os.environ.items() if key not in drop}
        self.env = {**kept, "VAR_DIR": str(folder), "PORT": str(self.port), "PORTAL_MODE": "dev"}
        self.output = folder.parent / f"{folder.name}.out"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "config.dev.supervisor", "serve"],
                cwd=ROOT,
                env=self.env,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        assert wait_until(lambda: "Ready after" in self.said() or self.process.poll() is not None, 90), self.said()
        assert "Ready after" in self.said()

    def status_of(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return int(response.status)
        except OSError:
            return 0

    def living(self) -> list[int]:
        return processes_with(f"VAR_DIR={self.folder}")

    def pids_of(self, word: str) -> list[int]:
        found = []
        for pid in self.living():
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        return found


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    running = Portal(tmp_path / "var")
    yield running
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not running.living(), 15)
    for pid in running.living():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.services
def test_starts_refuses_a_rival_restarts_the_dead_and_stops_cleanly(portal: Portal) -> None:
    portal.wait_until_ready()
    assert portal.status_of("/livez") == 200
    assert portal.status_of("/readyz") == 200

    rival = {**portal.env, "PORT": str(free_port())}
    command = [sys.executable, "-m", "config.dev.supervisor", "serve"]
    second = subprocess.run(command, cwd=ROOT, env=rival, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"process {portal.process.pid}" in second.stderr

    (portal.folder.parent / "other").mkdir()
    elsewhere = {**portal.env, "VAR_DIR": str(portal.folder.parent / "other")}
    third = subprocess.run(command, cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=False)
    assert third.returncode == 1
    assert f"Port {portal.port} is taken" in third.stderr

    leader = min(portal.pids_of("gunicorn"))
    os.kill(leader, signal.SIGKILL)
    assert wait_until(lambda: "web died" in portal.said(), 10)
    assert wait_until(lambda: portal.status_of("/livez") == 200, 30)

    portal.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert portal.process.wait(20) == 0, portal.said()
    assert time.monotonic() - began < 15
    assert portal.living() == []
    assert not (portal.folder / "valkey.sock").exists()

    # The second start finds everything where it was.
    portal.process = portal.start()
    portal.wait_until_ready()
    assert portal.status_of("/readyz") == 200
    portal.process.send_signal(signal.SIGINT)
    assert portal.process.wait(20) == 0
    assert portal.living() == []


@pytest.mark.services
def test_killed_supervisor_takes_its_children_along(portal: Portal) -> None:
    portal.wait_until_ready()
    portal.process.kill()
    portal.process.wait()
    assert wait_until(lambda: portal.living() == [], 20), [
        Path(f"/proc/{pid}/cmdline").read_bytes() for pid in portal.living()
    ]


def test_state_folder_is_made_private(tmp_path: Path) -> None:
    folder = state.var_dir({"VAR_DIR": str(tmp_path / "a" / "var")})
    assert folder.stat().st_mode & 0o777 == 0o700
