"""Processes of their own for tests, forked from one that has imported everything.

Starting Python and Django takes seconds of the processor's time, and races want several at once; a fork takes
milliseconds. `start(module, *words, address=…)` runs ``python -m module words…`` on the database at that address and
returns something like a `subprocess.Popen`. Run as a program, this module is what they are forked from.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
LOADED = ("config.urls", "tests.integrations.world")
_control: socket.socket | None = None


class Forked:
    """One process: its output, its end, and signals to it."""

    def __init__(self, control: socket.socket, words: tuple[str, ...], address: str) -> None:
        output, child_output = os.pipe()
        ended, child_ended = os.pipe()
        self.stdout = os.fdopen(output, encoding="utf-8")
        self._ended = os.fdopen(ended, encoding="utf-8")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - ours until we are gone
        asked = json.dumps({"words": words, "address": address}).encode()
        socket.send_fds(control, [asked], [child_output, self._errors.fileno(), child_ended])
        os.close(child_output)
        os.close(child_ended)
        self.pid = int(self._ended.readline())
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        if self.returncode is None:
            self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._ended.readline())
        return self.returncode

    def communicate(self, timeout: float = 120) -> tuple[str, str]:
        """What it says from now on, and all its errors, once it has ended; it is killed after the time."""
        timer = threading.Timer(timeout, self.kill)
        timer.start()
        said = self.stdout.read()
        self.wait()
        timer.cancel()
        self.stdout.close()
        self._errors.seek(0)
        return said, self._errors.read().decode(errors="replace")


def start(module: str, *words: object, address: str) -> Forked:
    """Run a module's `__main__` on the database at `address` (of the kind that the tests run on)."""
    global _control
    if _control is None:
        _control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, "REDIS_URL": "", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.forking", str(theirs.fileno())]
        parent = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
        theirs.close()
        atexit.register(parent.wait)
        atexit.register(_control.close)  # at which it ends; this comes first
    return Forked(_control, (module, *map(str, words)), address)


def race(processes: list[Forked], gun: Path) -> list[str]:
    """Make the file `gun` appear once all say "ready"; what each says last. Fails when one of them does."""
    try:
        for process in processes:
            assert "ready\n" in process.stdout, process.communicate()[1][-3000:]
        gun.touch()
        ended = [process.communicate() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert not any(process.returncode for process in processes), "".join(errors for _, errors in ended)[-3000:]
    return [said.strip().splitlines()[-1] for said, _ in ended]


def stand_ready(gun: Path) -> None:
    """Called by a process of a race: say so, and wait for the gun."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not gun.exists():
        time.sleep(0.001)


def _serve(control: socket.socket) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, passed, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            _keep(json.loads(asked), *passed)
        for each in passed:
            os.close(each)


def _keep(asked: dict[str, object], output: int, errors: int, ended: int) -> NoReturn:
    """Fork once more, and tell the number of the child and how it ended: its parent alone hears of that."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for each in (output, errors, ended):
            os.close(each)
        os._exit(_become(list(asked["words"]), str(asked["address"])))
    os.close(output)
    os.write(ended, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(ended, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(words: list[str], address: str) -> int:
    from django.db import connections
    from environs import Env

    os.environ["DATABASE_URL"] = address
    asked, ours = Env().dj_db_url("DATABASE_URL"), connections.settings["default"]
    kind = str(asked["ENGINE"]).rpartition(".")[2]  # the address names Django's backend, the settings ours
    assert kind == str(ours["ENGINE"]).rpartition(".")[2], f"{address} is no {ours['ENGINE']}"
    ours.update({name: asked[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
    sys.argv = words
    try:
        runpy.run_module(words[0], run_name="__main__")
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
