"""The first minutes of a new demo on a busy machine: `python -m benchmarks first_minutes [--minutes 4] [--port 8123]`.

Makes a demo of its own in an empty folder. From the second it says it is ready, the README's request is sent every
four seconds while three processes keep the processors busy. Exits with 1 unless every answer is a 201 within two
seconds and no log of the first ten minutes (``--logs``) says that the database was locked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EVERY = 4.0
WITHIN = 2.0
BUSY = 3
READY_WITHIN = 600.0
LOCKED = "database is locked"


def main(arguments: list[str]) -> int:
    """Run, print one line for each slow or failed request and a summary."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks first_minutes")
    parser.add_argument("--minutes", type=float, default=4.0, help="how long requests are sent")
    parser.add_argument("--logs", type=float, default=10.0, help="minutes after which the logs are read")
    parser.add_argument("--port", type=int, default=8123)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="portal-first-minutes-") as folder:
        return _run(Path(folder), asked)


def _run(folder: Path, asked: argparse.Namespace) -> int:
    out = folder / "demo.log"
    environment = {**os.environ, "VAR_DIR": str(folder / "var"), "PORT": str(asked.port)}
    for name in ("PORTAL_MODE", "DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    with out.open("wb") as stream:
        demo = subprocess.Popen(
            ["make", "demo"], cwd=ROOT, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
    busy: list[subprocess.Popen[bytes]] = []
    try:
        if not _is_ready(demo, out):
            print(out.read_text(errors="replace")[-2000:], file=sys.stderr)
            return 1
        began = time.monotonic()
        busy += [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
        answers = _send(folder / "var", asked, began)
        time.sleep(max(0.0, began + asked.logs * 60 - time.monotonic()))
        lines = _locked(folder / "var" / "log")
    finally:
        for process in busy:
            process.kill()
        demo.send_signal(signal.SIGTERM)
        demo.wait(60)
    return _told(answers, lines, asked)


def _is_ready(demo: subprocess.Popen[bytes], out: Path) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and demo.poll() is None:
        if "Ready after" in out.read_text(errors="replace"):
            return True
        time.sleep(0.05)
    return False


def _send(var: Path, asked: argparse.Namespace, began: float) -> list[tuple[int, float]]:
    key = json.loads((var / "demo.json").read_text())["api_key"]
    answers = []
    for number in range(int(asked.minutes * 60 / EVERY)):
        time.sleep(max(0.0, began + number * EVERY - time.monotonic()))
        status, seconds = _post(asked.port, key, number)
        answers.append((status, seconds))
        if status != 201 or seconds > WITHIN:
            print(f"{time.monotonic() - began:6.1f} s  request {number}: {status} after {seconds:.2f} s", flush=True)
    return answers


def _post(port: int, key: str, number: int) -> tuple[int, float]:
    lead = {
        "email": f"ada{number}@engines.example",
        "first_name": "Ada",
        "last_name": "Byron",
        "company": "Analytical Engines",
        "job_title": "CTO",
        "country": "DE",
        "company_size": 120,
        "industry": "software",
        "event": {
            "type": "form_submission",
            "occurred_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
            "name": "Pricing request",
        },
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/integrations/sales/leads",
        data=json.dumps(lead).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            response.read()
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    return status, time.monotonic() - began


def _locked(logs: Path) -> list[str]:
    found = []
    for log in sorted(logs.glob("*.log*")):
        found += [f"{log.name}: {line}" for line in log.read_text(errors="replace").splitlines() if LOCKED in line]
        held = [line for line in log.read_text(errors="replace").splitlines() if "database_held" in line]
        for line in held:
            print(f"held: {log.name}: {line[:300]}")
    return found


def _told(answers: list[tuple[int, float]], locked: list[str], asked: argparse.Namespace) -> int:
    seconds = sorted(took for _, took in answers)
    wrong = [(status, took) for status, took in answers if status != 201 or took > WITHIN]
    right = len(answers) - len(wrong)
    print(
        f"{len(answers)} requests in {asked.minutes:g} min beside {BUSY} busy processes: {right} times 201 within"
        f" {WITHIN:g} s; median {statistics.median(seconds):.3f} s, slowest {seconds[-1]:.3f} s;"
        f" 'database is locked' {len(locked)} times in the logs of {asked.logs:g} min."
    )
    for line in locked[:20]:
        print(line[:300])
    return 1 if wrong or locked else 0
