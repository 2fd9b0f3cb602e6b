"""The harness at a tiny size, without peers: it must not rot between two measurements."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import attribution, report
from benchmarks.generator import World, generate
from benchmarks.ours import RULES, WORKS

SMALL = generate(3_000, seed=7, campaigns=20)


def test_the_same_seed_makes_the_same_world(tmp_path: Path) -> None:
    SMALL.save(tmp_path / "world.npz")
    for again in (generate(3_000, seed=7, campaigns=20), World.load(tmp_path / "world.npz")):
        assert all(np.array_equal(mine, getattr(again, name)) for name, mine in vars(SMALL).items())
    assert len(SMALL.id) == len(np.unique(SMALL.id)) == 3_000
    assert set(np.unique(SMALL.opportunity).tolist()) == set(range(len(SMALL.amount)))


def test_floats_and_cents_tell_the_same() -> None:
    floats, cents = (WORKS[work](SMALL)["totals"] for work in ("rules", "cents"))
    deals = len(SMALL.amount)
    for key in RULES:
        assert np.abs(np.array(floats[key]) - cents[key][:-1]).max() <= deals
        assert sum(cents[key]) == pytest.approx(sum(floats[key]))


def test_everything_reconciles() -> None:
    found = WORKS["reconcile"](SMALL)
    assert found["eligible"] + found["rejected"] == 3_000
    assert not any(found["opportunities_off_by_a_cent"].values())
    assert not any(found["credits_moved_by_shuffling"].values())


def test_results_and_tables_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(Path(attribution.__file__).with_name("README.md"), tmp_path)
    write = report.write
    monkeypatch.setattr(report, "write", lambda results, folder: write(results, tmp_path))
    works = "rules,cents,markov,hazard,reconcile"
    assert attribution.main(["--sizes", "2k", "--only", works, "--repeats", "1", "--no-peers"]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert [run["work"] for run in results["runs"]] == works.split(",")
    assert all(run["seconds"] > 0 and "error" not in run for run in results["runs"])
    page = (tmp_path / "README.md").read_text()
    assert "2,000 touches" in page.split(report.BEGIN)[1].split(report.END)[0]


def test_ratios_and_differences_are_against_the_best_peer() -> None:
    def run(program: str, seconds: float, total: float, work: str = "rules") -> dict:
        rows = {"program": program, "work": work, "touches": 9, "seconds": seconds, "above_input_bytes": 10}
        return {**rows, "totals": {"linear": [total, 4.0]}}

    runs = [run("ours", 2.0, 8.0), run("ours", 6.0, 8.0, "cents"), run("slow", 9.0, 10.0), run("quick", 4.0, 8.0)]
    assert [(row["work"], row["best_peer"], row["ours_to_best"]) for row in report.ratios(runs)] == [
        ("rules", "quick", 0.5),
        ("cents", "quick", 1.5),
    ]
    assert {(row["program"], row["largest"]) for row in report.agreement(runs)} == {
        ("ours, to the cent", 0.0),
        ("slow", 0.25),
        ("quick", 0.0),
    }
    results = {"at": "2026-01-01", "machine": attribution.machine() | {"load_after": (0.0,)}, "runs": runs}
    report.conclude(results)
    assert results["goals"] == []
    assert "| slow | 9,000 ms · 4.50 × ours" in report.tables(results | {"agreement": []})


def test_goals_are_reached_or_not_by_what_was_measured() -> None:
    million = 10**6

    def run(program: str, work: str, seconds: float, touches: int = million, memory: int = 10) -> dict:
        parts = {"parts": {"model": seconds}} if work in ("markov", "hazard") else {}
        row = {"program": program, "work": work, "touches": touches, "seconds": 2 * seconds, **parts}
        return {**row, "above_input_bytes": memory}

    runs = [
        *(run("ours", work, seconds) for work, seconds in (("rules", 2.0), ("markov", 0.03), ("hazard", 3.5))),
        *(run("quick", work, 1.0) for work in ("rules", "markov")),
        run("ours", "rules", 9.0, 10 * million, 2**30),
        run("ours", "cents", 9.0, 10 * million, 2**30 + 1),
    ]
    row = {"touches": 9, "opportunities": 3, "copy_out": 1.0, "copy_in": 3.0}
    database = [{**row, "first_run": 8.0, "full_run": 9.0, "recompute_when_due": 0.1}, {"touches": 9, "error": "no"}]
    results = {"runs": runs, "database": database}
    report.conclude(results)
    assert [(goal["value"], goal["reached"]) for goal in results["goals"]] == [
        (2.0, False),
        (0.03, False),
        (3.5, False),
        (2**30, True),
        (2**30 + 1, False),
        (2.0, True),
        (2.25, False),
        (pytest.approx(0.1 / 9), True),
    ]


def test_works_not_measured_now_are_kept() -> None:
    def results(seconds: float, *works: str) -> dict:
        runs = [{"work": work, "touches": 9, "program": "ours", "seconds": seconds} for work in works]
        return {"runs": runs, "agreement": [{"program": "p", "touches": 9, "what": "linear", "largest": seconds}]}

    both = report.merged({**results(1.0, "rules", "cents"), "database": [{"touches": 9}]}, results(2.0, "cents"))
    assert [(run["work"], run["seconds"]) for run in both["runs"]] == [("rules", 1.0), ("cents", 2.0)]
    assert [row["largest"] for row in both["agreement"]] == [2.0]
    assert both["database"] == [{"touches": 9}]
