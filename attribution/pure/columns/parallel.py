"""Threads for long columns: numpy lets go of the interpreter's lock, so two threads do twice the work.

What runs in a thread should write into arrays made outside (``out=``): every new thread starts with no memory of its
own, and the system's handing it pages costs more than most sums over them.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORTH_A_THREAD = 50_000
"""Rows below which starting a thread takes longer than it saves."""
_MOST = 4
"""More threads than this wait for memory, not for a processor."""


def processors() -> int:
    """Return how many threads can run at once, at most 4."""
    # Containers and task sets often grant fewer processors than the machine has.
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(granted, _MOST)


def slices(rows: int) -> list[slice]:
    """Cut ``rows`` into one slice per processor, or a single one when that is not worth the threads."""
    count = max(1, min(processors(), rows // _WORTH_A_THREAD))
    return [slice(rows * part // count, rows * (part + 1) // count) for part in range(count)]


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return ``work(item)`` of every item in order, computed over threads; the first error raised comes through."""
    todo = list(items)
    threads = min(processors(), len(todo))
    if threads < 2:
        return [work(item) for item in todo]
    # A pool of its own for every call: one kept would not survive a fork of the worker process.
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, todo))
