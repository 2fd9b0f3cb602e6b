"""What an action on many rows is: who may, what it needs, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import Account, Campaign, Lead, Opportunity, Role, Touchpoint, User

Params = Mapping[str, Any]
SALES = (Role.SALES_REP, Role.SALES_LEADER, Role.ADMIN)
MODELS: Mapping[str, Any] = {
    "leads": Lead,
    "opportunities": Opportunity,
    "accounts": Account,
    "campaigns": Campaign,
    "touchpoints": Touchpoint,
}
"""Lists whose rows are marked, by key, and what their rows are."""
GONE = "It was merged or removed."
CHANGED = "It has changed since."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: why it was refused, or what taking it back needs: the key of a row, or the value
    before."""

    why: str = ""
    undo: int | None = None
    before: Any = None


@dataclass(frozen=True, slots=True)
class Verb:
    """``check`` says for the preview why each row would be refused, in order; ``act`` answers for each in order.

    ``undo`` takes rows back, given with what each has for it, and says for each why it could not; None where nothing
    can be taken back.
    """

    key: str
    label: str
    done: str
    check: Callable[[Sequence[Any], User], list[str]]
    act: Callable[[Sequence[int], Params, User, datetime], list[Outcome]]
    undo: Callable[[Mapping[int, Any], Params, User, datetime], dict[int, str]] | None = None
    listing: str = "leads"
    roles: Sequence[Role] = SALES

    def may(self, user: User) -> bool:
        """Whether a person may do this at all."""
        return user.has_role(*self.roles)

    @property
    def noun(self) -> str:
        """What one row is called."""
        return str(MODELS[self.listing]._meta.verbose_name)

    @property
    def plural(self) -> str:
        """What several rows are called."""
        return str(MODELS[self.listing]._meta.verbose_name_plural)
