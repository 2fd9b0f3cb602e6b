"""Where reading a window goes on after a page."""

import json
from dataclasses import dataclass

from ..base import Misuse
from .soql import Place


@dataclass(frozen=True, slots=True)
class Resume:
    """Which of the window's objects, Salesforce's locator, and the last row for when that has expired."""

    source: int = 0
    locator: str = ""
    stamp: str = ""
    row_id: str = ""

    @property
    def after(self) -> Place | None:
        """The last row read; None before the first."""
        return Place(self.stamp, self.row_id) if self.row_id else None

    def dump(self) -> str:
        """As text, for whoever asks again."""
        return json.dumps([self.source, self.locator, self.stamp, self.row_id], separators=(",", ":"))

    @classmethod
    def load(cls, text: str, sources: int) -> "Resume":
        """From text, of a window that reads so many objects. Raises `Misuse` for what `dump` did not write."""
        try:
            source, locator, stamp, row_id = json.loads(text)
            is_known = isinstance(source, int) and 0 <= source < sources
            if is_known and all(isinstance(each, str) for each in (locator, stamp, row_id)):
                return cls(source, locator, stamp, row_id)
        except (ValueError, TypeError):
            pass
        raise Misuse("There is no such page to go on from.", code="resume_unknown")
