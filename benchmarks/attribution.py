"""Attribution beside its peers: `python -m benchmarks attribution [--sizes 100k,1m] [--only rules,markov] …`.

Every work of every program runs in a process of its own, one after the other, from the same seeded unsorted rows, and
is timed inside the process, after loading: the median of several goes. Results are written to benchmarks/results.json
and as tables into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.environment import NoPeers, peers_python
from benchmarks.generator import generate

HERE = Path(__file__).resolve().parent
SEED = 20_260_101
CAMPAIGNS = 200
WORKS = ("rules", "cents", "markov", "hazard", "reconcile", "database")
PEERS = {
    "rules": ("polars", "duckdb", "pandas", "channelattribution", "marketing-attribution-models"),
    "markov": ("channelattribution", "marketing-attribution-models"),
}
SLOW = {"markov"}
"""Works whose peers take so long that two goes must do."""
MOST_BESIDE = {"markov": 10**6}
"""Works whose peers are not asked for more touches than this."""
LIMIT_SECONDS = 300


def main(arguments: list[str]) -> int:
    """Measure what is asked for, print a line each, and write the results."""
    options = _options(arguments)
    results: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "runs": []}
    python, why_not = _peers(options.peers)
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            path = Path(folder) / f"{size}.npz"
            generate(size, seed=SEED, campaigns=CAMPAIGNS).save(path)
            for work in (name for name in options.only if name != "database"):
                results["runs"] += _side_by_side(work, size, path, options.repeats, python, why_not)
    if "database" in options.only:
        results["database"] = [_database(size) for size in options.database]
    results["machine"]["load_after"] = os.getloadavg()
    results["agreement"] = report.agreement(results["runs"])
    for run in results["runs"]:
        for bulky in ("totals", "effects", "shares"):
            run.pop(bulky, None)
    if options.keep:
        results = report.merged(json.loads((HERE / "results.json").read_text()), results)
    report.conclude(results)
    for goal in results["goals"]:
        print(f"{goal['what']}: {goal['seen']}, goal {goal['goal']}: {'reached' if goal['reached'] else 'not reached'}")
    if options.write:
        report.write(results, HERE)
    return 1 if any("error" in run for run in results["runs"] if run["program"] == "ours") else 0


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return {
        "processor": model,
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "load_before": os.getloadavg(),
    }


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks attribution", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--sizes", type=_sizes, default=_sizes("100k,1m"), help="touches: 100k,1m,10m")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(WORKS), help=", ".join(WORKS))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--database", type=_sizes, default=_sizes("500k"), help="touches of the works in the database")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours alone")
    parser.add_argument("--keep", action="store_true", help="keep results of works and sizes not measured now")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print, and leave the files alone")
    options = parser.parse_args(arguments)
    if unknown := set(options.only) - set(WORKS):
        parser.error(f"no work {', '.join(sorted(unknown))}; there are {', '.join(WORKS)}")
    return options


def _size(text: str) -> int:
    return int(float(text.lower().replace("k", "e3").replace("m", "e6")))


def _sizes(text: str) -> list[int]:
    return [_size(part) for part in text.split(",")]


def _peers(wanted: bool) -> tuple[Path | None, str]:
    if not wanted:
        return None, "left out"
    try:
        return peers_python(), ""
    except NoPeers as error:
        return None, str(error)


def _side_by_side(
    work: str, size: int, path: Path, repeats: int, python: Path | None, why_not: str
) -> list[dict[str, Any]]:
    repeats = 1 if work == "reconcile" else max(1, repeats // 2) if size > 10**6 else repeats
    rows = [_one("ours", work, size, [sys.executable, "-m", "benchmarks.ours", work, path, repeats])]
    asked = why_not != "left out" and size <= MOST_BESIDE.get(work, size)
    for peer in PEERS.get(work, ()) if asked else ():
        if python is None:
            rows.append({"program": peer, "work": work, "touches": size, "error": why_not})
            continue
        times = min(repeats, 2 if size <= 10**5 else 1) if work in SLOW else repeats
        rows.append(_one(peer, work, size, [python, HERE / "peers.py", peer, work, path, times]))
    return rows


def _one(program: str, work: str, size: int, command: list[Any]) -> dict[str, Any]:
    load = os.getloadavg()[0]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    row: dict[str, Any] = {"program": program, "work": work, "touches": size, "load": load, "at": at}
    # As in the product: see config/settings.py. Peers keep all the threads they like.
    single = {"OPENBLAS_NUM_THREADS": "1"} if program == "ours" else {}
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=HERE.parent,
            env={**os.environ, **single},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        if done.returncode:
            row["error"] = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:300]
        else:
            row |= json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        row["error"] = f"not done after {LIMIT_SECONDS} s"
    shown = row.get("error") or f"{row['seconds'] * 1000:,.1f} ms, {row['above_input_bytes'] / 2**20:,.0f} MiB"
    print(f"{work:<10}{size:>11,}  {program:<30}{shown}  (load {load:.1f})", flush=True)
    return row


def _database(touches: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.services", "--", sys.executable, "-m", "benchmarks.database", str(touches)]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    found: dict[str, Any]
    if done.returncode:
        found = {"touches": touches, "error": (done.stderr.strip().splitlines() or ["no answer"])[-1][:300]}
    else:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    print("database  ", json.dumps(found), flush=True)
    return found
