"""Causal accuracy of every method on markets of known truth: `python -m benchmarks.accuracy`.

Writes benchmarks/accuracy.json: per method the mean and the worst scenario on the reporting seeds, which nothing
was tuned on, with the tuning seeds' figures beside them.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from attribution.pure.accuracy.accuracy import summed_up, try_methods
from attribution.pure.accuracy.scenarios import REPORTING, REPORTING_SEEDS, TUNING, TUNING_SEEDS, Range, scenarios

OUT = Path(__file__).with_name("accuracy.json")


def measured(of: Range, seeds: tuple[int, ...], people: int) -> list[dict[str, object]]:
    scores = []
    for seed in seeds:
        for index, scenario in enumerate(scenarios(of, seed)):
            scores += try_methods(scenario, people=people, seed=seed * 100 + index)
        print(f"seed {seed} done", flush=True)
    return summed_up(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000, help="in each market")
    people = parser.parse_args().people
    result = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "people": people,
        "reporting": {"seeds": REPORTING_SEEDS, "methods": measured(REPORTING, REPORTING_SEEDS, people)},
        "tuning": {"seeds": TUNING_SEEDS, "methods": measured(TUNING, TUNING_SEEDS, people)},
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in result["reporting"]["methods"]:
        print(f"{row['method']:26} mean {row['value']:.3f}  worst {row['worst']:.3f}  claims {row['claimed']:.2f}x")


if __name__ == "__main__":
    main()
