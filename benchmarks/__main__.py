"""`python -m benchmarks [NAME …]`: one of BENCHMARKS, or what documents quote of attribution, CRMs and pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import attribution, capture, crm, desk, first_minutes, reconcile
from benchmarks.past import measure


def _pages(arguments: list[str]) -> int:
    from benchmarks import pages

    return pages.main(arguments)


BENCHMARKS: dict[str, Callable[[list[str]], int]] = {
    "attribution": attribution.main,
    "pages": _pages,
    "capture": capture.main,
    "crm": crm.main,
    "past": measure.main,
    "reconcile": reconcile.main,
    "first_minutes": first_minutes.main,
    "desk": desk.main,
}


def main(arguments: list[str]) -> int:
    """Run what is named, or everything there is data for."""
    name, *rest = arguments or [""]
    if run := BENCHMARKS.get(name):
        return run(rest)
    if name:
        print(f"usage: python -m benchmarks [{' | '.join(BENCHMARKS)}] …", file=sys.stderr)
        return 2
    failed = max(attribution.main([]), crm.main([]))
    return max(failed, _pages([]) if _has_demo() else 0)


def _has_demo() -> bool:
    folder = Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parents[1] / "var"))
    if (folder / "secret_key").exists():
        return True
    print("No demo company here (make demo), so no pages to measure.", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
