"""The tables about the past in benchmarks/README.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BEGIN, END = "<!-- past: begin -->", "<!-- past: end -->"
GOALS = {"capture": 1.15, "pull": 1.3, "merge": 1.3, "bulk": 2.5}
Rows = list[dict[str, Any]]


def section(rows: Rows) -> str:
    """Everything measured, as Markdown."""
    dates = sorted({row["at"] for row in rows})
    lines = [f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}."]
    for table in (_writes, _bytes, _figures, _pages, _credits):
        lines += ["", *found] if (found := list(table(rows))) else []
    return "\n".join(lines) + "\n"


def _writes(rows: Rows) -> Iterator[str]:
    yield "| what is written | database | without, ms | with, ms | ratio | goal |"
    yield "|---|---|---:|---:|---:|---:|"
    for row in rows:
        for name, each in row.get("writes", {}).items():
            without, kept = each["without"] * 1000, each["with"] * 1000
            yield (
                f"| {each['what']} | {row['database']} | {without:,.1f} | {kept:,.1f} | {each['ratio']:.2f} × |"
                f" {GOALS[name]} × |"
            )


def _bytes(rows: Rows) -> Iterator[str]:
    yield "| table | database | bytes a version, with indexes |"
    yield "|---|---|---:|"
    for row in rows:
        for name, size in row.get("bytes", {}).items():
            yield f"| {name} | {row['database']} | {size:,.0f} |"


def _figures(rows: Rows) -> Iterator[str]:
    found = [row for row in rows if "figures" in row]
    if not found:
        return
    heads = [f"{row['database']}, {row['touches']:,} touchpoints, {row['deals']:,} deals" for row in found]
    yield "Milliseconds live → as of, and their ratio:"
    yield ""
    yield f"| figure | {' | '.join(heads)} |"
    yield f"|---|{'---:|' * len(found)}"
    for key in found[0]["figures"]:
        cells = [_change(row["figures"][key]) for row in found]
        yield f"| {key} | {' | '.join(cells)} |"
    cells = [f"**{row['median']:.2f} × · {row['worst']:.2f} ×**" for row in found]
    yield f"| median · worst | {' | '.join(cells)} |"
    cells = [f"{row['span'] * 1000:,.1f}" for row in found]
    yield f"| opening and closing a span | {' | '.join(cells)} |"


def _change(each: dict[str, float]) -> str:
    return f"{each['live'] * 1000:,.1f} → {each['past'] * 1000:,.1f} · {each['ratio']:.2f} ×"


def _pages(rows: Rows) -> Iterator[str]:
    yield "| page | database | touchpoints | live, ms | as of, ms | more, ms (goal ≤ 50) |"
    yield "|---|---|---:|---:|---:|---:|"
    for row in rows:
        for name, each in row.get("pages", {}).items():
            live, past, more = (each[part] * 1000 for part in ("live", "past", "more"))
            yield f"| {name} | {row['database']} | {row['touches']:,} | {live:,.1f} | {past:,.1f} | {more:,.1f} |"


def _credits(rows: Rows) -> Iterator[str]:
    found = [(row["database"], row["credits"]) for row in rows if "credits" in row]
    if not found:
        return
    yield "Credits as of a moment; the goals are 1.5 × a run over the same deals at first, and 3 × live again:"
    yield ""
    yield (
        "| database | touchpoints | question | deals asked | live, ms | run, ms | first, ms | again, ms | first ÷ run |"
        " again ÷ live |"
    )
    yield "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for database, asked in found:
        for period in ("week", "quarter", "all"):
            for name, each in asked[period].items():
                times = " | ".join(f"{each[part]:,.1f}" for part in ("live", "run", "first", "again"))
                yield (
                    f"| {database} | {asked['touches']:,} | {period}: {name} | {each['deals']:,} | {times} |"
                    f" {each['first / run']:.2f} × | {each['again / live']:.2f} × |"
                )
