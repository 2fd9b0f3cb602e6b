"""Assign: the first territory rule that holds, then the account's owner or the next rep in turn; all of it logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from leads.actions.lead_changes import LeadChanges, collected
from leads.models import (
    Account,
    Assignment,
    FollowUp,
    Lead,
    LeadEvent,
    Stage,
    TerritoryRep,
)
from leads.queries.in_force import InForce
from leads.queries.routing import Decision, Rota, RuleBook, shares_of

# Subscribers asked for mail, not for a rep; whom sales ruled out needs none.
UNASSIGNED_STAGES = frozenset([Stage.SUBSCRIBER, Stage.DISQUALIFIED])


def assign_leads(
    *, leads: Sequence[Lead], at: datetime, settings: InForce, changes: LeadChanges | None = None
) -> dict[int, datetime | None]:
    """Give each ownerless lead a territory and, if anybody is available, an owner.

    Returns the ids of leads left without one, each with the moment from which a rep is at work, where it waits for
    that. Whom somebody owns in the CRM who is no user here is left with them.

    The caller has locked the leads, and with ``changes`` writes what changes of them. The territories are locked here,
    so that two assignments never take the same turn.
    """
    waiting = [
        lead
        for lead in leads
        if lead.owner_id is None and not lead.owner_elsewhere and lead.stage not in UNASSIGNED_STAGES
    ]
    if not waiting:
        return {}
    with transaction.atomic(savepoint=False), collected(at, changes) as wanted:
        return _Round(waiting, settings, wanted).assign()


class _Round:
    """One round of assignments and what it writes."""

    def __init__(self, leads: Sequence[Lead], settings: InForce, changes: LeadChanges) -> None:
        self.leads, self.changes, self.at = leads, changes, changes.at
        self.retried = [lead for lead in leads if lead.territory_id is not None]
        book = RuleBook.in_force(settings)
        self.version = book.version
        self.matches = book.match(leads, self.at, changes.stored)
        ids = {match.rule.territory_id for match in self.matches if match.rule}
        is_open = any(match.rule is None for match in self.matches)
        asked = [one for one in settings.territories if one.pk in ids or (is_open and one.is_catch_all)]
        # In one order, so that two rounds cannot wait for each other; the turns are as whoever held the lock left them.
        locked = shares_of(asked).select_for_update(of=("self", "territory")).select_related("territory")
        self.rota = Rota(
            territories=asked, company=settings.company, at=self.at, shares=locked, absences=settings.absences
        )
        self.rota.know_accounts(leads)

    def assign(self) -> dict[int, datetime | None]:
        last = self._last_assignments()
        logged: list[Assignment] = []
        without: dict[int, datetime | None] = {}
        for lead, match in zip(self.leads, self.matches, strict=True):
            decision = self.rota.decide(lead, match)
            assignment = self._logged(lead, decision)
            if decision.owner is None:
                without[lead.pk] = decision.choice.waits_until
            if _essence(last.get(lead.pk)) != _essence(assignment):
                logged.append(assignment)
            if decision.owner is not None or lead.territory_id != assignment.territory_id:
                self.changes.set(lead, owner=decision.owner, territory=decision.territory, changed_at=self.at)
        for assignment in logged:
            self.changes.add(assignment)
            self.changes.tell(assignment.lead, LeadEvent.Kind.ASSIGNED, _told(assignment))
            self.changes.story_of(assignment.lead).assignment = assignment
        TerritoryRep.objects.bulk_update(self.rota.moved(), ["credit"])
        self._hand_on_follow_ups()
        self._give_accounts()
        return without

    def _give_accounts(self) -> None:
        """The first owner of a lead owns its account."""
        owners = dict(self.rota.new_account_owners)
        for account_id in owners.keys() & self.changes.accounts.keys():
            self.changes.accounts[account_id].owner_id = owners.pop(account_id)
        if len(owners) > 1:
            # Locked in one order, so that two rounds cannot wait for each other.
            rows = Account.objects.select_for_update().filter(pk__in=owners).order_by("pk")
            list(rows.values_list("pk", flat=True))
        theirs: dict[int, list[int]] = {}
        for account_id, owner_id in owners.items():
            theirs.setdefault(owner_id, []).append(account_id)
        for owner_id, account_ids in theirs.items():
            Account.objects.filter(pk__in=account_ids, owner__isnull=True).update(owner=owner_id)

    def _hand_on_follow_ups(self) -> None:
        """What was promised to leads while they waited for an owner. Fresh leads have none."""
        waited: dict[int, list[int]] = {}
        for lead in self.retried:
            if lead.owner_id is not None:
                waited.setdefault(lead.owner_id, []).append(lead.pk)
        for owner_id, ids in waited.items():
            FollowUp.objects.open().filter(lead__in=ids, owner__isnull=True).update(owner_id=owner_id)

    def _logged(self, lead: Lead, decision: Decision) -> Assignment:
        return Assignment(
            lead=lead,
            territory=decision.territory,
            rule_id=decision.match.rule.id if decision.match.rule else None,
            owner=decision.owner,
            because=decision.because,
            version=self.version,
            passed_over=decision.passed_over(self.rota.names),
            rotation=decision.rotation,
            assigned_at=self.at,
        )

    def _last_assignments(self) -> dict[int, Assignment]:
        if not self.retried:
            return {}
        newest = Assignment.objects.filter(lead__in=self.retried).values("lead").annotate(newest=Max("pk"))
        return {row.lead_id: row for row in Assignment.objects.filter(pk__in=newest.values("newest"))}


def _told(assignment: Assignment) -> dict[str, Any]:
    return {
        "territory": str(assignment.territory or ""),
        "owner": str(assignment.owner or ""),
        "because": assignment.because,
    }


def _essence(assignment: Assignment | None) -> tuple[object, ...] | None:
    """What makes an assignment another one: a retry that still finds nobody is not logged again."""
    if assignment is None:
        return None
    return assignment.territory_id, assignment.rule_id, assignment.owner_id
