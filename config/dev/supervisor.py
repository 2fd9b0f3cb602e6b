"""One command runs the whole portal on one machine: `python -m config.dev.supervisor demo|serve|reset`.

`demo` adds made-up data and a sandbox CRM; `serve` runs the portal alone as the environment says. Both start
broker, web, worker and beat, watch them, and stop them all on Ctrl-C or SIGTERM within 15 seconds. `reset`
clears `var/`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.dev import broker, commands, processes, state

STOP_SECONDS = 10.0  # for web, worker and CRM together; with the broker's share this stays below 15
BROKER_STOP_SECONDS = 3.0
READY_SECONDS = 60.0
RESTARTS = 5
STABLE_SECONDS = 60.0  # a child that lived this long starts its count of restarts anew


class Stopped(Exception):
    """Somebody asked us to stop while we were starting."""


class Failed(Exception):
    """A step failed; the message is one line, `log` says where the rest is."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


@dataclass
class Service:
    """A process to keep running: its command line, how often it died lately, and the child while it lives."""

    name: str
    command: list[str]
    deaths: int = 0
    started: float = 0.0
    restart_at: float | None = None
    child: processes.Child | None = None


def restart_delay(deaths: int) -> float | None:
    """Seconds to wait before the restart after the given number of deaths in a row; None means give up."""
    return None if deaths > RESTARTS else float(min(2 ** (deaths - 1), 15))


@dataclass
class Supervisor:
    """Starts everything in order, watches it, stops it in reverse."""

    mode: str
    folder: Path
    port: int
    environ: Mapping[str, str]
    say: Callable[[str], None] = field(default=lambda text: print(text, end="", flush=True))
    services: list[Service] = field(default_factory=list)
    broker_service: Service | None = None
    stopping: bool = False
    env: dict[str, str] = field(default_factory=dict)
    crm: state.Sandbox | None = None
    temporary: Path | None = None
    current: processes.Child | None = None

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler: the loops look at the flag."""
        self.stopping = True

    def run(self) -> int:
        """Start, watch until asked to stop or a child is beyond repair, stop; returns the exit status."""
        began = time.monotonic()
        status = 0
        try:
            self.start()
            self.say(self.greeting(time.monotonic() - began))
            self.watch()
        except Stopped:
            pass
        except Failed as failure:
            self.say(f"\n\n{failure}\n{processes.tail(failure.log)}\n")
            status = 1
        finally:
            status = max(status, self.stop())
        return status

    def start(self) -> None:
        """Bring everything up, in the order in which things need each other."""
        self.say(f"RevOps portal, data in {self.folder}\n")
        state.require_free(self.port)
        self.crm = state.sandbox(self.folder) if self.mode == "demo" else None
        redis_url = self.environ.get("REDIS_URL") or self.start_broker()
        self.env = state.environment(
            self.environ, self.folder, mode=self.mode, port=self.port, redis_url=redis_url, crm=self.crm
        )
        (self.folder / "static").mkdir(exist_ok=True)
        is_seeded = state.is_seeded(self.environ, self.folder, self.addresses)
        web = commands.web(self.port, state.number(self.environ, "WEB_CONCURRENCY", 2))
        # Checking everything costs a second and was done when the data was made.
        checked = ["--skip-checks"] if is_seeded else []
        migrate = commands.manage("migrate", "--no-input", "-v", "1", *checked)
        self.step("database", lambda: self.command("database", migrate))
        if self.mode == "demo":
            # It loads while the company is made, on another processor. Not earlier: without tables it refuses to start.
            self.keep("web", web)
        if self.crm is not None:
            self.demo_data(self.crm, is_seeded=is_seeded)
        else:
            collect = commands.manage("collectstatic", "--no-input", "-v", "0")
            self.step("static files", lambda: self.command("static", collect))
        if self.mode != "demo":
            self.keep("web", web)  # it reads the names of static files when it starts
        self.step("web", lambda: self.wait_until_answering(f"http://127.0.0.1:{self.port}/readyz"))
        # After the web, so that the first page need not share the processor with the worker's start.
        self.keep("worker", commands.worker(state.number(self.environ, "WORKER_CONCURRENCY", 2)))

    def start_broker(self) -> str:
        """Start our own broker; returns its address."""
        socket, self.temporary = broker.socket_path(self.folder)
        data = self.folder / "valkey"
        data.mkdir(exist_ok=True, mode=0o700)
        socket.unlink(missing_ok=True)
        self.env = dict(self.environ)
        self.broker_service = Service("broker", broker.command(socket, data, durable=True))
        self.launch(self.broker_service)
        self.step("broker", lambda: self.wait_for(socket.exists, "the broker's socket"))
        return f"unix://{socket}"

    def demo_data(self, crm: state.Sandbox, *, is_seeded: bool) -> None:
        """Start the sandbox CRM and make the demo company complete."""
        data = str(self.folder / "sandbox_crm.sqlite3")
        # The token goes by SANDBOX_CRM_TOKEN: a command line is for everybody on the machine to read.
        where = ["--host", "127.0.0.1", "--port", str(crm.port), "--data", data]
        self.keep("sandbox_crm", [sys.executable, "-m", "integrations.sandbox_crm", *where])
        self.step("sandbox CRM", lambda: self.wait_until_answering(f"{crm.url}/health"))
        if is_seeded:
            return
        out = self.folder / "demo.json"
        seed = ["--sandbox-data", data, "--sandbox-url", crm.url, "--out", str(out), "--url", self.address]
        self.say("  demo company\n")
        self.command("seed", commands.manage("seed_demo", *seed), aloud=True)
        self.note_address(out)
        state.write_private(self.folder / "seeded.json", json.dumps(self.addresses))

    @property
    def addresses(self) -> dict[str, str]:
        """Every address that the seeded rows hold."""
        return {"portal": self.address, "crm": self.crm.url if self.crm else ""}

    @property
    def address(self) -> str:
        """Where people open the portal."""
        return self.env.get("PORTAL_URL") or f"http://127.0.0.1:{self.port}"

    def note_address(self, out: Path) -> None:
        """Keep demo.json's addresses true when a port changed, and the file private."""
        if out.exists():
            demo = {**json.loads(out.read_text()), "url": self.address}
            if self.crm is not None:
                demo["sandbox_crm"] = {"url": self.crm.url, "token": self.crm.token}
            state.write_private(out, json.dumps(demo, indent=2) + "\n")

    def greeting(self, seconds: float) -> str:
        """What a person needs next."""
        lines = ["", f"Ready after {seconds:.1f} s:  {self.address}", ""]
        out = self.folder / "demo.json"
        if self.mode == "demo" and out.exists():
            lines += [commands.sign_ins(json.loads(out.read_text())), f"  (also in {out})", ""]
        return "\n".join([*lines, f"Logs in {self.folder / 'log'}. Ctrl-C stops everything.", ""])

    def step(self, title: str, work: Callable[[], None]) -> None:
        """Show a step with its seconds."""
        self.say(f"  {title:<16}")
        began = time.monotonic()
        work()
        self.say(f"{time.monotonic() - began:6.1f} s\n")

    def command(self, name: str, command: list[str], *, aloud: bool = False) -> None:
        """Run a command to its end, stoppable; its output goes to a log, or to the terminal when `aloud`."""
        log = None if aloud else self.folder / "log" / f"{name}.log"
        self.current = processes.spawn(name, command, env=self.env, log=log, cwd=state.ROOT)
        while self.current.is_running:
            self.pause(0.05)
        status, self.current = self.current.process.returncode, None
        if status:
            raise Failed(f"{name} failed (status {status}).", log)

    def pause(self, seconds: float) -> None:
        """Sleep, or raise Stopped when asked to stop."""
        if self.stopping:
            raise Stopped
        time.sleep(seconds)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until `condition` holds; children that die meanwhile are restarted or end the start."""
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            self.look_after_children()
            if time.monotonic() > deadline:
                logs = [service.child.log for service in self.services if service.child]
                raise Failed(f"Waited {READY_SECONDS:.0f} s for {what} in vain.", logs[0] if logs else None)
            self.pause(0.05)

    def wait_until_answering(self, url: str) -> None:
        """Wait for a 200."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def answers() -> bool:
            try:
                with opener.open(url, timeout=5) as response:
                    return bool(response.status == 200)
            except (urllib.error.URLError, OSError):
                return False

        self.wait_for(answers, url)

    def keep(self, name: str, command: list[str]) -> None:
        """Start a service and keep it running."""
        service = Service(name, command)
        self.services.append(service)
        self.launch(service)

    def launch(self, service: Service) -> None:
        """Start or restart a service's process."""
        log = self.folder / "log" / f"{service.name}.log"
        service.child = processes.spawn(service.name, service.command, env=self.env, log=log, cwd=state.ROOT)
        service.started, service.restart_at = time.monotonic(), None

    def look_after_children(self) -> None:
        """Restart what died, later each time. Raises Failed when one keeps dying."""
        for service in [*([self.broker_service] if self.broker_service else []), *self.services]:
            now = time.monotonic()
            if service.child is None or service.child.is_running:
                continue
            if service.restart_at is None:
                processes.kill_group(service.child.process.pid)
                service.deaths = 1 if now - service.started > STABLE_SECONDS else service.deaths + 1
                delay = restart_delay(service.deaths)
                code = service.child.process.returncode
                if delay is None:
                    raise Failed(f"{service.name} keeps dying (status {code}); its log ends:", service.child.log)
                self.say(f"\n{service.name} died (status {code}); restarting in {delay:.0f} s\n")
                service.restart_at = now + delay
            if now >= service.restart_at:
                self.launch(service)

    def watch(self) -> None:
        """Look after the children until asked to stop."""
        while True:
            self.pause(0.2)
            self.look_after_children()

    def stop(self) -> int:
        """Stop everything, the broker last; returns 1 when something had to be killed."""
        self.stopping = True
        self.say("\nStopping … ")
        began = time.monotonic()
        children = [service.child for service in self.services if service.child is not None]
        children += [self.current] if self.current is not None else []
        killed = processes.stop(children, seconds=STOP_SECONDS)
        if self.broker_service is not None and self.broker_service.child is not None:
            killed += processes.stop([self.broker_service.child], seconds=BROKER_STOP_SECONDS)
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
        self.say(f"stopped after {time.monotonic() - began:.1f} s")
        self.say(f", killed {', '.join(killed)}\n" if killed else "\n")
        return 1 if killed else 0


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run one of the three commands; returns the exit status."""
    if len(arguments) != 1 or arguments[0] not in ("demo", "serve", "reset"):
        print("usage: python -m config.dev.supervisor demo|serve|reset", file=sys.stderr)
        return 2
    mode = arguments[0]
    try:
        folder = state.var_dir(environ)
        with state.only_one(folder):
            if mode == "reset":
                state.reset(environ, folder)
                print(f"Cleared the demo's data in {folder}.")
                return 0
            port = state.port_number(environ.get("PORT") or "8000")
            supervisor = Supervisor(mode, folder, port, environ)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, supervisor.ask_to_stop)
            return supervisor.run()
    except (state.Refusal, broker.NoBroker) as refusal:
        print(refusal, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
