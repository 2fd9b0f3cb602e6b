"""`python -m benchmarks [pages | capture … | crm … | attribution … | past … | reconcile … | first_minutes … | desk …]`.

What documents quote, or all of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import attribution, capture, crm, desk, first_minutes, reconcile
from benchmarks.past import measure

_NAMES = "pages | capture … | crm … | attribution … | past … | reconcile … | first_minutes … | desk …"


def main(arguments: list[str]) -> int:
    """Run what is named, or everything there is data for."""
    if arguments[:1] == ["attribution"]:
        return attribution.main(arguments[1:])
    if arguments[:1] == ["pages"]:
        return _pages(arguments[1:])
    if arguments[:1] == ["capture"]:
        return capture.main(arguments[1:])
    if arguments[:1] == ["crm"]:
        return crm.main(arguments[1:])
    if arguments[:1] == ["past"]:
        return measure.main(arguments[1:])
    if arguments[:1] == ["reconcile"]:
        return reconcile.main(arguments[1:])
    if arguments[:1] == ["first_minutes"]:
        return first_minutes.main(arguments[1:])
    if arguments[:1] == ["desk"]:
        return desk.main(arguments[1:])
    if arguments:
        print(f"usage: python -m benchmarks [{_NAMES}]", file=sys.stderr)
        return 2
    failed = max(attribution.main([]), crm.main([]))
    return max(failed, _pages([]) if _has_demo() else 0)


def _has_demo() -> bool:
    folder = Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parents[1] / "var"))
    if (folder / "secret_key").exists():
        return True
    print("No demo company here (make demo), so no pages to measure.", file=sys.stderr)
    return False


def _pages(arguments: list[str]) -> int:
    from benchmarks import pages

    return pages.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
