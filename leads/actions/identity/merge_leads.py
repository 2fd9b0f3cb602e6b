"""Merge: two leads that are one person become one, in one transaction; what it did is kept so that it can be undone.

The survivor keeps what it says, and gets what it lacks. Touches, passages, promises, consents and deal roles move to
it, for every reader looks at a lead's own rows. The other lead stays as a signpost: its e-mail address, its ids and its
links to CRMs lead on to the survivor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Model

from leads.actions.identity.merge_values import merged_values, standings
from leads.models import (
    Activity,
    CampaignMember,
    Consent,
    FollowUp,
    Lead,
    LeadEvent,
    LeadMerge,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Qualification,
    Touchpoint,
    User,
)
from leads.pure.lifecycle import LABELS
from leads.pure.refused import Refused
from leads.queries.identity import may_merge

# Rows that move as they are, by the name they have in ``LeadMerge.moved``.
MOVED: dict[str, type[Model]] = {
    "touches": Touchpoint,
    "passages": LifecyclePassage,
    "activities": Activity,
    "qualifications": Qualification,
}
# The lead's own words in an event; what else changed follows from the rows that moved.
_TOLD = {"account_id": "account", "owner_id": "owner", "territory_id": "territory", "is_unsubscribed": "unsubscribed"}
_UNTOLD = frozenset({"captured_at", "channel_id", "campaign_id", "stage"})


class MergeRefused(Refused):
    """The two cannot be merged (or taken apart) so; the message tells a person why."""


class SameLead(MergeRefused):
    """A lead was to be merged with itself."""


class AlreadyMerged(MergeRefused):
    """One of the two was merged into another lead before."""


class MergedTheOtherWay(AlreadyMerged):
    """The survivor was merged into the loser before, directly or over others."""


class NotYours(MergeRefused):
    """The person may not merge these two: somebody else works with one of them."""


def merge_leads(*, survivor_id: int, loser_id: int, by: User | None, at: datetime, reason: str = "") -> Lead:
    """Merge the loser into the survivor and return it; ``by`` is nobody where a CRM said so.

    Raises SameLead, AlreadyMerged, MergedTheOtherWay, NotYours, Lead.DoesNotExist. The score and what follows from it
    are done anew by the intake.
    """
    if survivor_id == loser_id:
        raise SameLead("A lead cannot be merged with itself.")
    with transaction.atomic():
        survivor, loser = _locked(survivor_id, loser_id)
        _check(survivor, loser, by)
        return _Merge(survivor, loser, by, at, reason).do()


def lock_people(*, lead_ids: Collection[int]) -> dict[int, Lead]:
    """These leads with their deals, locked deals first and each in the order of keys: as an import and a pull do it.

    Whoever is going to merge several pairs in one transaction locks all of them beforehand.
    """
    deals = OpportunityContact.objects.filter(lead__in=lead_ids).values("opportunity")
    list(Opportunity.objects.select_for_update().filter(pk__in=deals).order_by("pk").values_list("pk", flat=True))
    rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=lead_ids)
    return {lead.pk: lead for lead in rows.order_by("pk")}


def _locked(survivor_id: int, loser_id: int) -> tuple[Lead, Lead]:
    leads = lock_people(lead_ids=(survivor_id, loser_id))
    if len(leads) < 2:
        raise Lead.DoesNotExist("One of the two leads does not exist.")
    return leads[survivor_id], leads[loser_id]


def _check(survivor: Lead, loser: Lead, by: User | None) -> None:
    into, seen = survivor.merged_into_id, {survivor.pk}
    while into is not None and into not in seen:
        if into == loser.pk:
            raise MergedTheOtherWay(f"{survivor} was merged into {loser} before.")
        seen.add(into)
        into = Lead.objects.values_list("merged_into_id", flat=True).get(pk=into)
    for lead in (survivor, loser):
        if lead.merged_into_id is not None:
            raise AlreadyMerged(f"{lead} was merged into another lead before.")
    if by is not None and not may_merge(user=by, leads=(survivor, loser)):
        raise NotYours("Only admins, sales leaders and the owner of both leads may merge them.")


class _Merge:
    """One merge; every row it writes is noted, so that it can be taken back."""

    def __init__(self, survivor: Lead, loser: Lead, by: User | None, at: datetime, reason: str) -> None:
        self.survivor, self.loser, self.by, self.at, self.reason = survivor, loser, by, at, reason[:300]
        found = standings(leads={survivor.pk: survivor, loser.pk: loser})
        self.values = merged_values(survivor=survivor, loser=loser, standing=found[survivor.pk], other=found[loser.pk])
        self.before = {name: getattr(survivor, name) for name in self.values}
        self.lost = {name: getattr(loser, name) for name in ("email", "external_id", "intake_due_at")}
        self.moved: dict[str, Any] = {}

    def do(self) -> Lead:
        for name, model in MOVED.items():
            self.moved[name] = self._move(model)
        newest = LifecyclePassage.objects.filter(lead=self.survivor).aggregate(pk=Max("pk"))
        self.moved["newest_passage"] = newest["pk"] or 0
        self.moved["consents"] = self._move_consents()
        self.moved["members"] = self._move_memberships()
        self.moved["follow_ups"] = self._move_follow_ups()
        self.moved["roles"] = self._move_roles()
        self._write_leads()
        LeadMerge.objects.create(
            survivor=self.survivor,
            loser=self.loser,
            by=self.by,
            reason=self.reason,
            merged_at=self.at,
            before=plain(self.before),
            after=plain(self.values),
            lost=plain(self.lost),
            moved=self.moved,
        )
        self._tell()
        return self.survivor

    # --- rows that change hands ---

    def _move(self, model: type[Model]) -> list[int]:
        rows: Any = model._default_manager.filter(lead=self.loser)
        ids = sorted(rows.values_list("pk", flat=True))
        rows.update(lead=self.survivor)
        return ids

    def _move_consents(self) -> list[int]:
        """What both were asked in the same moment on the same basis is kept once; nothing is thrown away."""
        known = set(Consent.objects.filter(lead=self.survivor).values_list("given_at", "basis"))
        theirs = Consent.objects.filter(lead=self.loser)
        ids = [pk for pk, *key in theirs.values_list("pk", "given_at", "basis") if tuple(key) not in known]
        theirs.filter(pk__in=ids).update(lead=self.survivor)
        return sorted(ids)

    def _move_memberships(self) -> list[int]:
        """A person is in a campaign once: where both were added, the survivor's row counts."""
        ours = CampaignMember.objects.filter(lead=self.survivor).values_list("campaign", flat=True)
        rows = CampaignMember.objects.filter(lead=self.loser).exclude(campaign__in=list(ours))
        ids = sorted(rows.values_list("pk", flat=True))
        CampaignMember.objects.filter(pk__in=ids).update(lead=self.survivor)
        return ids

    def _move_follow_ups(self) -> dict[str, Any]:
        """Promises go to the survivor's owner. Of two open ones of a kind one stays, due at the earlier moment."""
        ours = {promise.kind: promise for promise in FollowUp.objects.open().filter(lead=self.survivor)}
        moved: list[list[int | None]] = []
        sooner: list[list[Any]] = []
        owner_id = self.values.get("owner_id", self.survivor.owner_id)
        for promise in FollowUp.objects.filter(lead=self.loser).order_by("pk"):
            mine = ours.get(promise.kind) if promise.done_at is None else None
            if mine is None:
                moved.append([promise.pk, promise.owner_id])
            elif promise.due_at < mine.due_at:
                sooner.append([mine.pk, mine.due_at.isoformat(), promise.due_at.isoformat()])
                FollowUp.objects.filter(pk=mine.pk).update(due_at=promise.due_at)
        rows = FollowUp.objects.filter(pk__in=[pk for pk, _ in moved])
        rows.update(lead=self.survivor)
        if owner_id is not None:
            rows.filter(done_at__isnull=True).update(owner=owner_id)
        return {"rows": moved, "sooner": sooner}

    def _move_roles(self) -> dict[str, Any]:
        """A person is in a deal once: with their own role, else the other's, and first where either was."""
        ours = {role.opportunity_id: role for role in OpportunityContact.objects.filter(lead=self.survivor)}
        theirs = list(OpportunityContact.objects.filter(lead=self.loser).order_by("pk"))
        moved = [role.pk for role in theirs if role.opportunity_id not in ours]
        OpportunityContact.objects.filter(pk__in=moved).update(lead=self.survivor)
        doubled = [role for role in theirs if role.opportunity_id in ours]
        OpportunityContact.objects.filter(pk__in=[role.pk for role in doubled]).delete()
        gone = [[role.opportunity_id, role.role, role.is_primary] for role in doubled]
        changed: list[list[Any]] = []
        other = OpportunityContact.ContactRole.OTHER
        for role in doubled:
            mine = ours[role.opportunity_id]
            was = [mine.role, mine.is_primary]
            mine.role = role.role if mine.role == other else mine.role
            mine.is_primary = mine.is_primary or role.is_primary
            if was != [mine.role, mine.is_primary]:
                changed.append([mine.pk, *was, mine.role, mine.is_primary])
                mine.save(update_fields=["role", "is_primary"])
        deals = sorted({*ours, *(role.opportunity_id for role in theirs)})
        # Attribution follows the people of a deal, so another person is a change of the deal.
        Opportunity.objects.filter(pk__in=[role.opportunity_id for role in theirs]).update(changed_at=self.at)
        return {"rows": moved, "gone": gone, "changed": changed, "deals": deals}

    # --- the two leads ---

    def _write_leads(self) -> None:
        gone: dict[str, Any] = {"merged_into": self.survivor, "intake_due_at": None, "changed_at": self.at}
        if "email" in self.values:
            # No two rows may have it, and a row must have something to be known by.
            gone |= {"email": None, "external_id": self.loser.external_id or f"merged-{self.loser.public_id}"}
        set_columns(self.loser, gone)
        set_columns(self.survivor, {**self.values, "changed_at": self.at, "intake_due_at": self.at})

    def _tell(self) -> None:
        kind, (ours, theirs) = LeadEvent.Kind, (str(self.survivor.public_id), str(self.loser.public_id))
        details = {"merged": theirs, "filled": told(self.values), "reason": self.reason}
        events: list[tuple[Lead, str, dict[str, Any]]] = [
            (self.survivor, kind.MERGED, details),
            (self.loser, kind.MERGED, {"into": ours, "reason": self.reason}),
        ]
        if "stage" in self.values:
            stages = {"from": self.before["stage"], "to": self.values["stage"]}
            because = f"merged with a lead that was {LABELS[self.values['stage']]}"
            events.append((self.survivor, kind.STAGE_CHANGED, {**stages, "because": because, "reason": ""}))
        write_events(events=events, by=self.by, at=self.at)


def told(names: Iterable[str]) -> list[str]:
    """Names of columns as people say them; what only follows from rows that moved is left out."""
    return sorted(_TOLD.get(name, name) for name in names if name not in _UNTOLD)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON keeps it."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def write_events(
    *, events: Sequence[tuple[Lead, str, dict[str, Any]]], by: User | None, at: datetime
) -> list[LeadEvent]:
    """News of several leads of one moment."""
    return LeadEvent.objects.bulk_create(
        LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, by=by, details=details)
        for lead, kind, details in events
    )


def set_columns(lead: Lead, values: dict[str, Any]) -> None:
    """Write these columns, here and in the database."""
    for name, value in values.items():
        setattr(lead, name, value)
    lead.save(update_fields=list(values))
