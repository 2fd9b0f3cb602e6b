"""What every refusal is: something was asked that is not done, and the message tells a person why."""

from __future__ import annotations


class Refused(ValueError):
    """Asked for, and not done; the message tells a person why."""


class FieldRefused(Refused):
    """The same of one field: ``field`` names the one at fault ("" for the whole), ``reason`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason
