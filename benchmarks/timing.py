"""How a work is timed, the same for us and for every peer; imports nothing but the standard library
at first.

A worker is a process that loads a world (not timed), does one work several times and prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def memory(field: str) -> int:
    """Bytes of this process: VmHWM, its peak so far, or VmRSS, what it has now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def measured(work: Callable[[], dict], repeats: int) -> dict:
    """Do the work so often; the last result, with the medians of seconds and of its parts' and the peak of memory."""
    before = memory("VmRSS")
    seconds, parts, found = [], [], {}
    for _ in range(repeats):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
        parts.append(found.get("parts", {}))
    peak = memory("VmHWM")
    if "parts" in found:
        found["parts"] = {name: statistics.median(part[name] for part in parts) for name in found["parts"]}
    return {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "repeats": repeats,
        "peak_bytes": peak,
        "above_input_bytes": max(peak - before, 0),
        **found,
    }


def stage(parts: dict[str, float], name: str, began: float) -> float:
    """Note the time since ``began`` under a name; returns now."""
    now = time.perf_counter()
    parts[name] = now - began
    return now


def processor() -> float:
    """Seconds of processor time of this process, and on PostgreSQL of the one that serves Django's connection."""
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text()
        words = stat.rpartition(")")[2].split()
        spent += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def ask_alone() -> None:
    """Have PostgreSQL answer Django's connection by its own process alone: `processor` sees no parallel workers, and
    what they do for one of two works would seem to cost nothing."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")


def say(result: dict) -> None:
    """Print the line the harness reads."""
    print(json.dumps(result), flush=True)
