"""Trees kept as (id, parent id) pairs: campaigns below programmes, channels below channels."""

from __future__ import annotations

from collections.abc import Iterable


def family(pairs: Iterable[tuple[int, int | None]], root: int) -> list[int]:
    """The root and everything below it, however deep, ascending; a loop in the pairs is walked once."""
    children: dict[int | None, list[int]] = {}
    for node, parent in pairs:
        children.setdefault(parent, []).append(node)
    found, waiting = {root}, [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return sorted(found)
