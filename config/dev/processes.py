"""Child processes that never outlive us: own session, own log, a polite signal, then a deadline.

Each child leads its own session, so that a terminal's Ctrl-C reaches only us and we stop things in order, and
so that a whole process group (pool workers, embedded beat) can be killed at once. On Linux the kernel signals
the children even when we are killed with SIGKILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 5_000_000  # bytes; a longer log is set aside as `.log.1` at the next start


@dataclass(frozen=True)
class Account:
    """An unprivileged user to run a child as (only root can)."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """A running child process and how to stop it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    stop_signal: signal.Signals

    @property
    def is_running(self) -> bool:
        """True until the process has ended."""
        return self.process.poll() is None


def _before_exec(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        # What a shell starts in the background is deaf to Ctrl-C, and so would be all that it starts.
        signal.signal(death_signal, signal.SIG_DFL)
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died between fork and prctl, so no signal will ever come
            os._exit(1)

    return prepare


def spawn(
    name: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
) -> Child:
    """Start `command` in its own session; its output is appended to `log`, else it shares our terminal."""
    output = None
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
        output = log.open("ab")
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            preexec_fn=_before_exec(stop_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        if output is not None:
            output.close()
    return Child(name, process, log, stop_signal)


def is_group_alive(group: int) -> bool:
    """True while any process of the group exists."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_group(group: int) -> None:
    """SIGKILL what is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def stop(children: Sequence[Child], *, seconds: float) -> list[str]:
    """Signal every child, wait up to `seconds` for all of them, then kill; returns the names killed.

    Only the leader is signalled: pool workers must finish under their leader's orders. Whatever a leader
    leaves behind in its group is killed, too.
    """
    deadline = time.monotonic() + seconds
    for child in children:
        if child.is_running:
            child.process.send_signal(child.stop_signal)
    killed = []
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            killed.append(child.name)
        kill_group(child.process.pid)
        child.process.wait()
    gone_by = time.monotonic() + 2
    while any(is_group_alive(child.process.pid) for child in children) and time.monotonic() < gone_by:
        time.sleep(0.01)
    return killed


def tail(log: Path | None, *, lines: int = 15) -> str:
    """The last lines of a log, or an empty string."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 20_000))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])
