"""The test suite as people and CI run it: `python -m config.dev.suite all|quick [pytest arguments]`.

`all` runs everything on SQLite and then all that touches a database on PostgreSQL, each beside a real broker;
`quick` runs once on SQLite, without the browser and the slow tests. With CI=true a skipped test fails the run: a
test that did not run proves nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.dev import state, system

# No database is opened by these, so a second run on another one would say nothing new.
DATABASE_FREE = (
    *(f"tests/{app}/pure" for app in ("leads", "attribution", "alignment", "integrations")),
    "tests/integrations/connectors",
    "tests/integrations/sandbox_crm",
    "tests/dev",
    "tests/benchmarks/test_attribution.py",
    "tests/architecture/test_contracts.py",
    "tests/architecture/test_names.py",
    "tests/architecture/test_subjects.py",
    "tests/config/demo/test_company.py",
    "tests/config/test_logs.py",
    "tests/config/test_settings.py",
    "tests/leads/api/test_parsers.py",
    "tests/leads/test_ui.py",
)
# These ask the database little and take long; what they show does not depend on which one it is.
ONCE = ("tests/test_docs_commands.py", "tests/attribution/actions/accuracy", "tests/architecture/test_reading.py")
# What is seen of a page is made from the same rows; its queries and its demo run on both, and so do the stories that
# lead through the whole product.
STORIES = ("test_story.py", "test_rep_morning.py", "test_web_forms.py")
LOOKS = tuple(
    str(path.relative_to(state.ROOT))
    for path in sorted((state.ROOT / "tests" / "browser").glob("test_*.py"))
    if path.name not in STORIES
)


@dataclass(frozen=True)
class Outcome:
    """One run of pytest: its counts, exit status and seconds."""

    database: str
    passed: int
    failed: int
    skipped: int
    status: int
    seconds: float

    def is_good(self, *, ci: bool) -> bool:
        """True when every test passed, and, in CI, none was skipped."""
        return self.status == 0 and self.passed > 0 and not (ci and self.skipped)

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"{self.database:<12}{counts}, status {self.status}, {self.seconds:.0f} s"


def outcome(database: str, report: str, status: int, seconds: float) -> Outcome:
    """Counts from pytest's JUnit report; an empty report (pytest died) counts nothing."""
    total = failed = skipped = 0
    # Our own pytest wrote the file a moment ago, so nobody hostile did.
    for suite in ElementTree.fromstring(report).iter("testsuite") if report else ():  # noqa: S314
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return Outcome(database, max(0, total - failed - skipped), failed, skipped, status, seconds)


def unavailable(names: list[str]) -> str:
    """Pytest's marker expression that leaves out what this machine cannot run; empty for nothing."""
    return " and ".join(f"not {name}" for name in names)


def pytest_command(report: Path, left_out: str, extra: list[str]) -> list[str]:
    """Two workers; tests/scheduling.py says what stays together and what is begun first."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p", "tests.scheduling"]
    return [*command, f"--junitxml={report}", *(["-m", left_out] if left_out else []), *extra]


def run(database: str, left_out: str, extra: list[str]) -> Outcome:
    """Run the suite on one kind of database."""
    print(f"\n=== tests on {database} ===", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-report-") as folder:
        report = Path(folder) / "report.xml"
        is_second = database == "PostgreSQL"
        servers = [sys.executable, "-m", "tests.services", *([] if is_second else ["--no-postgres"])]
        # Whoever names a folder means it, on both.
        is_asked = any(argument.startswith("tests") for argument in extra)
        ignored = [f"--ignore={each}" for each in (*DATABASE_FREE, *ONCE, *LOOKS)] if is_second and not is_asked else []
        command = [*servers, "--", *pytest_command(report, left_out, [*ignored, *extra])]
        status = subprocess.run(command, cwd=state.ROOT, check=False).returncode
        text = report.read_text() if report.exists() else ""
    return outcome(database, text, status, time.monotonic() - began)


def summary(outcomes: list[Outcome], *, ci: bool) -> str:
    """One line a run, then the total."""
    lines = ["", *(str(each) for each in outcomes)]
    if ci and any(each.skipped for each in outcomes):
        lines.append("A skipped test is a failure here (CI=true).")
    passed, failed = sum(each.passed for each in outcomes), sum(each.failed for each in outcomes)
    return "\n".join([*lines, f"{passed} passed, {failed} failed"])


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run the suite; returns the exit status."""
    if not arguments or arguments[0] not in ("all", "quick"):
        print("usage: python -m config.dev.suite all|quick [pytest arguments]", file=sys.stderr)
        return 2
    ci = system.is_ci(environ)
    quick, extra = arguments[0] == "quick", arguments[1:]
    lacking = ["browser", "slow"] if quick else system.ensure(list(system.NEEDS), environ)
    if lacking and not quick and ci:
        return 1
    if lacking:
        print(f"Left out here: tests marked {' and '.join(lacking)}.", flush=True)
    databases = ["SQLite"] if quick else ["SQLite", "PostgreSQL"]
    outcomes = [run(database, unavailable(lacking), extra) for database in databases]
    print(summary(outcomes, ci=ci), flush=True)
    return 0 if all(each.is_good(ci=ci) for each in outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        sys.exit(130)
