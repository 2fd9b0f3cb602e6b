"""Answers in a shape that nobody can read."""

from datetime import datetime

from ..base import Outage
from ..http import Answer
from .session import DATA


class Reading:
    """Turns any surprise in an answer's shape into an `Outage`: nobody can read it, and a person must look."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)):
            raise Outage(f"{DATA}{self._path} answered in an unknown shape.", code="unreadable") from None


def server_time(answer: Answer) -> datetime:
    """By the header Date. Raises ValueError without one."""
    if answer.date is None:
        raise ValueError("no Date header")
    return answer.date
