"""The cases worked by hand in docs/methods.md."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.journeys.journeys import REASONS, Settings, build
from attribution.pure.methods import Fit, Options, all_methods, get_method
from tests.attribution.pure.reference import Deal, Touch, columns

PAGE = (Path(__file__).parents[4] / "docs" / "methods.md").read_text(encoding="utf-8")
POSITIONS = {"FT": "first", "LC": "lead_creation", "OC": "opportunity_creation", "CW": "closing"}


@dataclass(frozen=True)
class Case:
    method: str
    facts: dict[str, str]
    rows: list[list[str]]
    learned: dict[str, Fraction]


def sections() -> dict[str, str]:
    """Return the text of each method's section by the method's key."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    keyed = zip(parts[::2], parts[1::2], strict=True)
    return {match[1]: text for title, text in keyed if (match := re.search(r"\(`(\w+)`\)", title))}


def cases() -> list[Case]:
    found = []
    for key, text in sections().items():
        learned = learned_in(text)
        for line, table in re.findall(r"^(\*\*\w+\*\* .+)\n\n((?:\|.*\n)+)", text, flags=re.MULTILINE):
            milestone, *facts = [part.strip() for part in line.split("·")]
            known = dict(fact.split(": ") for fact in facts) | {"milestone": milestone.strip("*")}
            rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
            found.append(Case(key, known, rows, learned))
    return found


def learned_in(text: str) -> dict[str, Fraction]:
    """Return what the method learned of each place, where the section has such a table."""
    table = re.search(r"^\| place \| value \|\n.*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()] if table else []
    return {place: Fraction(value) for place, value in rows}


def options_of(case: Case, channels: list[str]) -> Options:
    if not case.learned:
        return Options()
    values = np.array([float(case.learned.get(channel, 0)) for channel in channels])
    if "half-life" not in case.facts:
        return Options(fits={case.method: Fit(values)})
    scale = int(case.facts["half-life"]) / math.log(2)
    baseline = np.array([float(Fraction(case.facts["baseline"]))])
    # The page gives the chance per day at first, the fit the chance in all.
    return Options(fits={case.method: Fit(values * scale, scale, baseline)})


def moment(text: str | None) -> int:
    if text in (None, "never"):
        return UNKNOWN
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.method}-{case.facts['milestone']}")
def test_worked_case(case: Case) -> None:
    names = [row[0] for row in case.rows]
    channels = sorted({row[2] for row in case.rows})
    facts = case.facts
    created, closed = moment(facts["created"]), moment(facts["closed"])
    deal = Deal(
        created=created,
        closed=closed,
        milestone={"won": closed, "created": created}[facts["milestone"]],
        lead_touch=UNKNOWN if facts["lead"] == "none" else "ABCDEFG".index(facts["lead"]),
        lead_created=moment(facts.get("lead created")),
    )
    touches = [
        Touch(0, "ABCDEFG".index(name), moment(occurred), channels.index(channel), channels.index(channel))
        for name, occurred, channel, *_ in case.rows
    ]
    settings = Settings(
        look_back_days=int(facts["look-back"]) if "look-back" in facts else None,
        excluded_channels=frozenset(place for place, channel in enumerate(channels) if channel.endswith("*")),
    )
    journeys, rejected = build(*columns(touches, [deal]), settings)
    entry = get_method(case.method)
    weights = entry.weights(journeys, options_of(case, channels))

    shown = dict(zip(rejected.row.tolist(), rejected.reasons(), strict=True))
    for place, row in enumerate(journeys.row.tolist()):
        held = [name for name, column in POSITIONS.items() if getattr(journeys, column)[0] == place]
        shown[row] = " ".join(held)
    assert [shown[row] for row in range(len(names))] == [row[3] for row in case.rows]

    expected = [Fraction(row[4]) for row in case.rows if row[3] not in REASONS]
    assert sum(expected) in (0, 1) or entry.has_baseline
    assert weights == pytest.approx([float(weight) for weight in expected], rel=1e-14)


@pytest.mark.parametrize("entry", all_methods(), ids=lambda entry: entry.key)
def test_every_method_has_a_section_with_its_name_sentence_and_cases(entry) -> None:
    assert f"## {entry.name} (`{entry.key}`)" in PAGE
    assert entry.sentence in " ".join(sections()[entry.key].split())
    assert any(case.method == entry.key for case in cases())


@pytest.mark.parametrize("entry", all_methods(), ids=lambda entry: entry.key)
def test_what_a_method_learns_is_told(entry) -> None:
    assert bool(learned_in(sections()[entry.key])) == entry.needs_fit


def test_every_table_is_a_case() -> None:
    assert PAGE.count("| touchpoint | occurred |") == len(cases())
    assert set(sections()) == {entry.key for entry in all_methods()}
    assert all(f"`{reason}`" in PAGE for reason in REASONS)
