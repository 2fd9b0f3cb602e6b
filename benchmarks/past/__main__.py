"""`python -m benchmarks.past` measures; with ``--worker PART`` it is the process that does one part."""

from __future__ import annotations

import sys

from benchmarks.past import measure
from benchmarks.timing import say

if sys.argv[1:2] == ["--worker"]:
    say(measure.worker(sys.argv[2]))
else:
    sys.exit(measure.main(sys.argv[1:]))
