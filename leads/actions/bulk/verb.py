"""What an action on many rows is: who may, what it needs, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import Account, Campaign, Lead, Opportunity, Role, Touchpoint, User
from leads.queries.lead import may_work

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
SAME = "It has this value already."
NOT_THEIRS = "Only the owner, sales leaders and admins may."


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


def works(lead: Lead, by: User) -> str:
    """Why a person does not work on a lead; "" where they do."""
    return "" if may_work(by, lead) else NOT_THEIRS


def all_work(leads: Sequence[Lead], by: User) -> list[str]:
    """The same of each lead."""
    return [works(lead, by) for lead in leads]


def put_back(
    rows: Mapping[int, Any],
    known: Mapping[int, Any],
    stands: Callable[[Any], bool],
    write: Callable[[int, Any], str],
) -> dict[int, str]:
    """Write what rows said before, row by row; says for each why it could not.

    ``known`` are the rows as they are now; where one no longer ``stands`` as the action left it, it stays.
    """
    return {
        pk: GONE if pk not in known else write(pk, before) if stands(known[pk]) else CHANGED
        for pk, (before,) in rows.items()
    }
