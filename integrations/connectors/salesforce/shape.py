"""Answers in a shape that nobody can read."""

from datetime import datetime

from .. import errors
from ..http import Answer
from .session import DATA


class Reading(errors.Reading):
    """The same for a path below the data API."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{DATA}{path}")


def server_time(answer: Answer) -> datetime:
    """By the header Date. Raises ValueError without one."""
    if answer.date is None:
        raise ValueError("no Date header")
    return answer.date
