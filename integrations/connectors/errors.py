"""Errors of a connection; each carries the decision whether and when to try again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar


class CrmError(Exception):
    """A call that brought no usable answer. The message names no secret and no query string.

    `permanent`: the same call will fail again until a person changes something. `stops_connection`: no other
    call of this connection will fare better now. `after` and `resume_at`: the CRM's own word on when to come
    back. `unclear`: a write may have happened all the same.
    """

    permanent: ClassVar[bool] = False
    stops_connection: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        field: str = "",
        after: timedelta | None = None,
        resume_at: datetime | None = None,
        unclear: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.field = code, field
        self.after, self.resume_at, self.unclear = after, resume_at, unclear

    def retry_at(self, at: datetime) -> datetime | None:
        """The earliest moment worth another try, seen from `at`; None when only a person can help."""
        if self.permanent:
            return None
        return self.resume_at or at + (self.after or timedelta())


class AuthDead(CrmError):
    """The credentials are refused: stop the connection and tell its admin."""

    permanent = True


class NotConnected(AuthDead):
    """Nobody has allowed our app in the CRM yet."""

    def __init__(self) -> None:
        super().__init__("Nobody has allowed it in the CRM yet.", code="not_connected")


class ScopeMissing(CrmError):
    """The credentials hold, but not for this: the admin must grant a scope."""

    permanent = True


class QuotaDay(CrmError):
    """The day's calls are spent: stop the connection until `resume_at`."""


class Throttled(CrmError):
    """Too many calls: pause the whole connection for `after`."""


class Outage(CrmError):
    """No answer, half an answer, or one nobody can read; see `unclear` before repeating a write."""


class Misuse(CrmError):
    """Our request is wrong: a bug or a setting of ours. Repeating it changes nothing; other calls may go
    on."""

    permanent = True
    stops_connection = False


class Reading:
    """Turns any surprise in the shape of the answer of a path into an `Outage`: nobody can read it, and a person must
    look."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)):
            raise Outage(f"{self._path} answered in an unknown shape.", code="unreadable") from None
