"""What a file's own cells tell about how they are written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guess:
    """A proposal; ``is_open`` if the cells leave several ``choices``, or none, and somebody has to say which.

    ``example`` is a cell that needs the answer.
    """

    value: str
    is_open: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""
