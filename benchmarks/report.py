"""Results as JSON and as tables between two markers of the read-me."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
TITLES = {
    "rules": "Five rule methods, totals per campaign (floats)",
    "cents": "Five rule methods, credits exact to the cent, totals per campaign",
    "markov": "Markov, first order: the model alone, and in brackets with sorting and preparing",
    "hazard": "Additive hazard, eight lags tried: the fit alone, and in brackets with sorting and preparing",
}
MODELS = {"markov", "hazard"}
"""Works of which a model is compared, without sorting and preparing."""
MILLION, GIB = 10**6, 2**30


def seconds(run: dict[str, Any]) -> float:
    """What is compared: the model alone where sorting and preparing are told apart, else everything."""
    return float(run["parts"]["model"] if run["work"] in MODELS else run["seconds"])


def merged(kept: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """New results, and of the kept ones those of other works and sizes. A work is replaced whole, peers included."""
    anew = {(run["work"], run["touches"]) for run in new["runs"]}
    rows = [*(run for run in kept["runs"] if (run["work"], run["touches"]) not in anew), *new["runs"]]
    order = list(dict.fromkeys(run["work"] for run in (*kept["runs"], *new["runs"])))
    found = {(row["program"], row["touches"], row["what"]): row for row in (*kept["agreement"], *new["agreement"])}
    return {
        **new,
        "runs": sorted(rows, key=lambda run: (run["touches"], order.index(run["work"]))),
        "agreement": list(found.values()),
        "database": new.get("database") or kept.get("database", []),
    }


def conclude(results: dict[str, Any]) -> None:
    """Add our ratios to the best peers, and the goals."""
    results["ratios"] = ratios(results["runs"])
    results["goals"] = goals(results)


def goals(results: dict[str, Any]) -> list[dict[str, Any]]:
    """What was to be reached, and what was seen; goals whose work was not measured at their size are left out."""
    found: list[dict[str, Any]] = []

    def note(what: str, limit: float, seen: float, goal: str, shown: str) -> None:
        found.append(
            {"what": what, "goal": goal, "limit": limit, "value": seen, "seen": shown, "reached": seen <= limit}
        )

    best = {(row["work"], row["touches"]): row for row in results["ratios"]}
    ours = {
        (run["work"], run["touches"]): run for run in results["runs"] if run["program"] == "ours" and "error" not in run
    }
    for work, limit, what in (
        ("rules", 1.0, "five rule methods, 1M touches"),
        ("markov", 0.02, "Markov of first order, 1M touches"),
    ):
        if row := best.get((work, MILLION)):
            ratio = row["ours_to_best"]
            shown = f"{ratio:.2g} × {row['best_peer']} ({seconds(ours[work, MILLION]) * 1000:,.0f} ms)"
            note(what, limit, ratio, f"≤ {limit:g} × the fastest peer", shown)
    if run := ours.get(("hazard", MILLION)):
        note("additive hazard, 1M touches", 3.0, seconds(run), "≤ 3 s", f"{seconds(run):.2f} s")
    for work, what in (("rules", "as floats"), ("cents", "to the cent")):
        if run := ours.get((work, 10 * MILLION)):
            size = run["above_input_bytes"]
            note(f"memory above the input, 10M touches, {what}", GIB, size, "≤ 1 GiB", f"{size / 2**20:,.0f} MiB")
    for row in results.get("database", ()):
        found += _database_goals(row)
    return found


def _database_goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    if "error" in found:
        return []
    raw, full = found["copy_out"] + found["copy_in"], found["full_run"]
    rows = []
    for name, what, limit, whole, of in (
        ("first_run", "database to credits stored", 2.0, raw, "COPY out + COPY in"),
        ("full_run", "the same, replacing credits", 2.0, raw, "COPY out + COPY in"),
        ("recompute_when_due", "recomputing 100 changed deals", 0.02, full, "the full run"),
    ):
        ratio = found[name] / whole
        rows.append(
            {
                "what": f"{what}, {found['touches']:,} touches of {found['opportunities']:,} deals",
                "goal": f"≤ {limit:g} × {of}",
                "limit": limit,
                "value": ratio,
                "seen": f"{ratio:.3g} × ({found[name]:.2f} s)",
                "reached": ratio <= limit,
            }
        )
    return rows


def agreement(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How far each peer's results lie from ours: the largest relative difference of a campaign, and the median."""
    found = []
    ours = {(run["work"], run["touches"]): run for run in runs if run["program"] == "ours" and "error" not in run}
    for run in runs:
        base = ours.get(("rules" if run["work"] == "cents" else run["work"], run["touches"]))
        if base is None or run is base or "error" in run:
            continue
        pairs = {
            key: (base["totals"][key], values) for key, values in run.get("totals", {}).items() if "totals" in base
        }
        if "effects" in run and "effects" in base:
            pairs["removal effects"] = (base["effects"], run["effects"])
        for what, (mine, theirs) in pairs.items():
            # Our cents end with the entry of Unattributed, which is no campaign.
            off = sorted(abs(b - a) / a for a, b in zip(mine, theirs, strict=False) if a > 0)
            if off:
                found.append(
                    {
                        "program": run["program"] if run["program"] != "ours" else "ours, to the cent",
                        "touches": run["touches"],
                        "what": what,
                        "largest": off[-1],
                        "median": off[len(off) // 2],
                        "campaigns": len(off),
                    }
                )
    return found


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results.json and the read-me's tables; call conclude() before."""
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{tables(results)}{END}{rest.split(END)[1]}", encoding="utf-8")


def ratios(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our time over the fastest peer's, per work and size; cents are held against the peers' floats."""
    found = []
    for run in runs:
        if run["program"] != "ours" or "error" in run:
            continue
        rival_work = "rules" if run["work"] == "cents" else run["work"]
        rivals = [
            peer
            for peer in runs
            if (peer["work"], peer["touches"]) == (rival_work, run["touches"])
            and peer["program"] != "ours"
            and "error" not in peer
        ]
        if rivals:
            best = min(rivals, key=seconds)
            found.append(
                {
                    "work": run["work"],
                    "touches": run["touches"],
                    "best_peer": best["program"],
                    "ours_to_best": seconds(run) / seconds(best),
                    "memory_to_least": run["above_input_bytes"] / min(peer["above_input_bytes"] for peer in rivals),
                }
            )
    return found


def tables(results: dict[str, Any]) -> str:
    """All tables as Markdown."""
    machine = results["machine"]
    load = ", ".join(f"{machine[name][0]:.1f}" for name in ("load_before", "load_after"))
    lines = [
        f"\nMeasured {results['at'][:10]} on {machine['processors']} × {machine['processor']},"
        f" {machine['memory_bytes'] / 2**30:.0f} GiB, Python {machine['python']}, NumPy {machine['numpy']};"
        f" load average before and after {load}.\n"
    ]
    lines += _goals(results["goals"])
    for work, title in TITLES.items():
        runs = [run for run in results["runs"] if run["work"] == work]
        if runs:
            lines += [f"### {title}\n", *_speed(runs), ""]
    lines += [*_agreement(results["agreement"]), *_reconciled(results["runs"])]
    for row in results.get("database", ()):
        lines += _database(row)
    return "\n".join(lines) + "\n"


def _goals(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = ["### What was to be reached\n", "| work | goal | seen | reached |", "|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['what']} | {row['goal']} | {row['seen']} | {'yes' if row['reached'] else '**no**'} |")
    return [*lines, ""]


def _speed(runs: list[dict[str, Any]]) -> list[str]:
    sizes = sorted({run["touches"] for run in runs})
    programs = list(dict.fromkeys(run["program"] for run in runs))
    ours = {run["touches"]: run for run in runs if run["program"] == "ours" and "error" not in run}
    lines = [
        "| program | " + " | ".join(f"{size:,} touches" for size in sizes) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for program in programs:
        mine = {run["touches"]: run for run in runs if run["program"] == program}
        name = next((f"{program} {run['version']}" for run in mine.values() if "version" in run), program)
        cells = [_cell(mine.get(size), ours.get(size)) for size in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(run: dict[str, Any] | None, ours: dict[str, Any] | None) -> str:
    if run is None:
        return "–"
    if "error" in run:
        return str(run["error"]).replace("|", "/")
    shown = f"{seconds(run) * 1000:,.0f} ms"
    if run["work"] in MODELS:
        shown += f" ({run['seconds'] * 1000:,.0f})"
    if ours is not None and run is not ours:
        shown += f" · {seconds(run) / seconds(ours):,.2f} × ours"
    return f"{shown} · {run['above_input_bytes'] / 2**20:,.0f} MiB"


def _agreement(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = [
        "### Differences from our totals per campaign\n",
        "| program | touches | of | largest | median |",
        "|---|---:|---|---:|---:|",
    ]
    for row in rows:
        shown = f"{row['what'].replace('_', ' ')} | {_share(row['largest'])} | {_share(row['median'])}"
        lines.append(f"| {row['program']} | {row['touches']:,} | {shown} |")
    return [*lines, ""]


def _share(value: float) -> str:
    return "none" if value < 1e-12 else f"{value:.1e}" if value < 1e-4 else f"{value:.2%}"


def _reconciled(runs: list[dict[str, Any]]) -> list[str]:
    runs = [run for run in runs if run["work"] == "reconcile" and "error" not in run]
    if not runs:
        return []
    lines = [
        "### Reconciliation\n",
        "| touches | opportunities | amount | methods | opportunities off by a cent | credits moved by shuffling |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for run in runs:
        wrong, moved = run["opportunities_off_by_a_cent"], run["credits_moved_by_shuffling"]
        amount = f"{run['amount_cents'] / 100:,.2f}"
        counts = f"{len(wrong)} | {sum(wrong.values())} | {sum(moved.values())}"
        lines.append(f"| {run['touches']:,} | {run['opportunities']:,} | {amount} | {counts} |")
    return [*lines, ""]


def _database(found: dict[str, Any]) -> list[str]:
    lines = [f"### Database to stored credits, PostgreSQL, {found['touches']:,} touches\n"]
    if "error" in found:
        return [*lines, found["error"], ""]
    lines += [
        f"{found['opportunities']:,} opportunities, {found['credits']:,} credits.\n",
        "| what | seconds | of |",
        "|---|---:|---|",
    ]
    for name, label in (
        ("copy_out", "COPY out of the same rows"),
        ("copy_in", "COPY in of the same credits, into a table with the same indexes"),
        ("copy_in_then_index", "the same, its indexes built afterwards"),
        ("first_run", "first run"),
        ("full_run", "full run that replaces every credit"),
        ("incremental_run", "incremental run, all compared, 100 opportunities changed"),
        ("recompute_when_due", "recomputation of what changed, 100 opportunities"),
    ):
        ratio, harder = (found["ratios"].get(key) for key in (name, f"{name}, indexes built afterwards"))
        shown = f"{ratio}; {harder.split(' ')[0]} × with indexes built afterwards" if harder else ratio or ""
        lines.append(f"| {label} | {found[name]:.2f} | {shown} |")
    return [*lines, ""]
