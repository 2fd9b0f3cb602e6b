"""The servers for tests are real, and leave nothing: as root, as a normal user, stopped, interrupted or killed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from config.dev.state import ROOT
from tests import services
from tests.dev.conftest import processes_with, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]

QUESTION = """
import os, socket, psycopg
from urllib.parse import unquote, urlsplit
url = urlsplit(os.environ["DATABASE_URL"])
host = unquote(url.netloc.split("@")[1])
with psycopg.connect(host=host, user="postgres", dbname="postgres") as connection:
    print("postgres", connection.execute("select current_user").fetchone()[0])
with socket.socket(socket.AF_UNIX) as client:
    client.connect(urlsplit(os.environ["REDIS_URL"]).path)
    client.sendall(b"LPUSH queue message\\r\\nRPOP queue\\r\\n")
    client.settimeout(10)
    answer = b""
    while not answer.endswith(b"message\\r\\n"):
        answer += client.recv(100)
print("broker", "message")
print("folder", os.environ["VAR_DIR"])
"""


def as_normal_user() -> tuple[list[str], dict[str, Any]]:
    """Interpreters and process options to run the project as a normal user; root becomes `nobody` where it can.

    The environment's interpreter may lie below /root; then the system's own of the same version serves.
    """
    if os.geteuid() != 0:
        return [sys.executable], {}
    entry = pwd.getpwnam("nobody")
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": sysconfig.get_path("purelib")}
    options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "env": env, "cwd": ROOT}
    for interpreter in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            if subprocess.run([interpreter, "-c", "import tests.services"], check=False, **options).returncode == 0:
                return [interpreter], options
    return [sys.executable], {}


def command(*words: str, options: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, "-m", "tests.services", *options, "--", *words]


def folders() -> set[str]:
    return {path.name for path in Path("/tmp").glob("portal-test-*-*")}


def check_servers(interpreter: str, options: dict[str, Any], mark: Path) -> None:
    env = {**options.pop("env", os.environ), "RUN_MARK": str(mark)}
    words = [interpreter, "-m", "tests.services", "--", interpreter, "-c", QUESTION]
    run_options = {"cwd": ROOT, **options}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, **run_options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["postgres postgres", "broker message"]
    folder = Path(done.stdout.split()[-1]).parent
    assert folder.name.startswith("portal-test-")
    assert not folder.exists()
    assert processes_with(str(mark)) == []


def test_servers_answer_and_leave_nothing(tmp_path: Path) -> None:
    check_servers(sys.executable, {}, tmp_path)


def test_servers_answer_a_normal_user_and_leave_nothing(tmp_path: Path) -> None:
    (interpreter,), options = as_normal_user()
    check_servers(interpreter, options, tmp_path)


def test_only_the_broker_when_asked() -> None:
    code = "import os; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'], os.environ['PORTAL_MODE'])"
    done = subprocess.run(
        command(sys.executable, "-c", code, options=("--no-postgres",)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    database, broker, mode = done.stdout.split()
    assert database.startswith("sqlite:////tmp/portal-test-")
    assert broker.startswith("unix:///tmp/portal-test-")
    assert mode == "test"


def test_exit_status_is_the_commands() -> None:
    done = subprocess.run(command("sh", "-c", "exit 7", options=("--no-postgres",)), cwd=ROOT, check=False)
    assert done.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    env = {**os.environ, "RUN_MARK": str(tmp_path)}
    ready = tmp_path / "ready"
    # The shell ends at once and leaves a child behind that heeds no Ctrl-C.
    words = command("sh", "-c", f"sleep 60 & echo $VAR_DIR > {ready}; wait")
    # A shell starts what it puts in the background deaf to Ctrl-C, and the deaf have deaf children.
    run = subprocess.Popen(words, cwd=ROOT, env=env, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert wait_until(lambda: ready.exists() and ready.read_text().endswith("\n"), 60)
    folder = Path(ready.read_text().strip()).parent
    assert folder.exists()
    run.send_signal(number)
    assert run.wait(60) == 130
    assert processes_with(str(tmp_path)) == []
    assert not folder.exists()


def test_killed_run_leaves_no_process_and_the_next_removes_its_folder(tmp_path: Path) -> None:
    env = {**os.environ, "RUN_MARK": str(tmp_path)}
    ready = tmp_path / "ready"
    words = command("sh", "-c", f"echo $VAR_DIR > {ready}; exec sleep 60")
    # Even when started in the background of a shell, which makes all below it deaf to Ctrl-C.
    run = subprocess.Popen(words, cwd=ROOT, env=env, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert wait_until(lambda: ready.exists() and ready.read_text().endswith("\n"), 60)
    folder = Path(ready.read_text().strip()).parent
    run.kill()
    run.wait()
    assert wait_until(lambda: processes_with(str(tmp_path)) == [], 30)
    services.remove_leftovers(Path("/tmp"))
    assert not folder.exists()


def test_living_run_is_no_leftover(tmp_path: Path) -> None:
    ours, strange = tmp_path / f"portal-test-{os.getpid()}-x", tmp_path / "portal-test-var"
    ours.mkdir()
    strange.mkdir()
    services.remove_leftovers(tmp_path)
    assert ours.exists()
    assert strange.exists()


def test_binaries_out_of_the_accounts_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = services.postgres_binaries().parent.parent
    for path in package.parent.glob(f"{package.name}*"):
        shutil.copytree(path, closed / path.name, symlinks=True)
    inside = services.postgres_binaries().relative_to(package.parent)
    monkeypatch.setenv("PG_BIN", str(closed / inside))
    with services.running() as variables:
        folder = Path(variables["VAR_DIR"]).parent
        assert (folder / "copy").exists() is (os.geteuid() == 0)
    assert not folder.exists()


def test_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = services.postgres_binaries()
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("initdb", "postgres"):
        (fake / name).write_text(
            f"#!/bin/sh\necho no space left >&2; [ $1 = --version ] && exec {real}/postgres $1; exit 1\n"
        )
        (fake / name).chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PG_BIN", str(fake))
    before = folders()
    with pytest.raises(services.ServiceError, match="no space left"), services.running():
        pytest.fail("started")
    assert folders() <= before
