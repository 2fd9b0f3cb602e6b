"""What the verbs of one transaction change about leads, collected and then written table by table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db.models import Model, OuterRef, Subquery

from leads.actions.insert_rows import insert_rows, insert_together
from leads.actions.pass_stage import passages_of
from leads.models import Account, Lead, LeadEvent, LifecyclePassage, ShownScore, Touchpoint
from leads.queries.lead import LeadStory
from leads.queries.mail import Stored


class LeadChanges:
    """Columns, passages and news of leads whose rows the caller holds locked.

    The leads themselves change at once, so that the next verb sees what the one before did; the database learns it from
    `write`. One lead takes three statements, a thousand hardly more: an update for each set of equal values.

    ``stored`` are the leads that this very transaction makes, with their touchpoints: of these nothing else is stored
    that would have to be looked up. They and their new ``accounts`` have their keys, and are themselves written last,
    as they are by then: no row is written twice. ``stories`` are the decisions of here.
    """

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.stored: Stored = {}
        self.accounts: dict[int, Account] = {}
        self._made: dict[int, Lead] = {}
        self._rows: dict[type[Model], list[Model]] = {}
        self.passages: list[LifecyclePassage] = []
        self.events: list[LeadEvent] = []
        self.stories: dict[int, LeadStory] = {}
        self._columns: dict[int, tuple[Lead, dict[str, Any]]] = {}

    def story_of(self, lead: Lead) -> LeadStory:
        """What is decided about a lead here: its assignment and its next follow-up."""
        return self.stories.setdefault(lead.pk, LeadStory())

    def make(self, leads: Mapping[Lead, Sequence[Touchpoint]], accounts: Sequence[Account]) -> None:
        """Leads that are to be made, with their touchpoints, and accounts; all have got their keys."""
        self.stored = {lead.pk: touches for lead, touches in leads.items()}
        self._made = {lead.pk: lead for lead in leads}
        self.accounts = {account.pk: account for account in accounts}

    def add(self, row: Model) -> None:
        """A row that belongs to a lead, of a kind of which nobody reads in this transaction, and claims nothing
        unique that another writer could claim for the same lead."""
        self._rows.setdefault(type(row), []).append(row)

    def set(self, lead: Lead, **values: Any) -> None:
        """Give a lead other values. ``score`` is the total that `leads.models.ShownScore` holds by now."""
        for name, value in values.items():
            setattr(lead, name, value)
        if lead.pk not in self._made:
            self._columns.setdefault(lead.pk, (lead, {}))[1].update(values)

    def tell(
        self, lead: Lead, kind: LeadEvent.Kind, details: dict[str, Any], *, happened_at: datetime | None = None
    ) -> None:
        """Add a piece of news, of now or of an earlier moment."""
        moment = happened_at or self.at
        self.events.append(LeadEvent(lead=lead, kind=kind, happened_at=moment, recorded_at=self.at, details=details))

    def pass_stage(self, lead: Lead, to: str, because: str, *, passed_at: datetime | None = None) -> None:
        """Bring a lead to a stage, now or at an earlier moment; raises lifecycle.PassageRefused where there is no
        way."""
        moment = passed_at or self.at
        passages = passages_of(lead=lead, to=to, passed_at=moment, because=because)
        if passages:
            details = {"from": lead.stage, "to": to, "because": because, "reason": ""}
            self.passages += passages
            self.tell(lead, LeadEvent.Kind.STAGE_CHANGED, details, happened_at=moment)
            self.set(lead, stage=to, changed_at=self.at)

    def known(self, leads: Iterable[Lead]) -> list[Lead]:
        """Those of the leads that the database knows more about than is at hand."""
        return [lead for lead in leads if lead.pk not in self.stored]

    def moments_of(self, stage: str) -> dict[int, datetime]:
        """When leads came to a stage among these changes, by lead."""
        return {each.lead_id: each.passed_at for each in self.passages if each.to_stage == stage}

    def write(self) -> None:
        """Write everything. Belongs into the transaction that holds the rows."""
        groups: dict[tuple[tuple[str, Any], ...], list[Lead]] = {}
        for lead, values in self._columns.values():
            # Totals differ from lead to lead, and one statement can take each from where it stands already.
            rest = [(name, _plain(value)) for name, value in sorted(values.items()) if name != "score"]
            groups.setdefault((*rest, ("score", "score" in values)), []).append(lead)
        for group, leads in groups.items():
            values = dict(group)
            if values.pop("score"):
                values["score"] = leads[0].score if len(leads) == 1 else _shown_totals()
            Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(**values)
        # Parents before children, and each kind in a fixed order: two batches then never wait in a circle.
        insert_rows(sorted(self.accounts.values(), key=lambda account: account.domain or ""))
        insert_rows(sorted(self._made.values(), key=lambda lead: (lead.email or "", lead.external_id or "")))
        insert_together(*self._rows.values(), self.passages, self.events)
        self._columns, self._made, self.accounts, self._rows = {}, {}, {}, {}
        self.passages, self.events = [], []


@contextmanager
def collected(at: datetime, changes: LeadChanges | None = None) -> Iterator[LeadChanges]:
    """The caller's changes, which the caller writes; without them new ones, which are written at the end."""
    wanted = changes or LeadChanges(at)
    yield wanted
    if changes is None:
        wanted.write()


def _plain(value: Any) -> Any:
    """A related row as its key, which can be compared and hashed."""
    return getattr(value, "pk", value)


def _shown_totals() -> Subquery:
    return Subquery(ShownScore.objects.filter(lead=OuterRef("pk")).values("total")[:1])
