"""How rows stood from when on: what the portal knew of leads, accounts, promises and deals at each step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from config.demo.deals import LOST_REASONS, changes_of
from config.demo.records import Deal, DemoCompany
from config.demo.records import Lead as MadeLead
from config.demo.seed_settings import COST_FEED, Ground
from config.demo.stories import Passage, Promise, Story
from config.demo.timeline import Timeline, Writer
from leads.models import DealStatus, Role, Scope, Stage
from leads.past.acting import Door

CRM_NAME = "Sandbox CRM"
WEBSITE = Writer(Door.API, source="Website", because=str(Scope.LEADS_WRITE))
FEED = Writer(Door.API, source=COST_FEED, because=str(Scope.COSTS_WRITE), is_punctual=True)
INTAKE = Writer(Door.JOB, source="Finish intake", because="Scheduled work")
RESCORING = Writer(Door.JOB, source="Score decay", because="Scheduled work", is_punctual=True)
CRM = Writer(Door.CRM, source=CRM_NAME, because="Pull: daily")
LEAD_COLUMNS = ("stage", "score", "owner_id", "territory_id", "is_unsubscribed", "changed_at")
ACCOUNT_COLUMNS = ("owner_id",)
PROMISE_COLUMNS = ("done_at", "outcome")
DEAL_COLUMNS = (
    "stage_id",
    "status",
    "amount_cents",
    "reporting_cents",
    "closed_at",
    "expected_close_on",
    "stage_changed_at",
    "lost_reason",
    "changed_at",
)
Version = tuple[Any, ...]


class Histories:
    """Versions of rows, oldest first: the change that made each, then the columns named above."""

    def __init__(self, company: DemoCompany, ground: Ground, timeline: Timeline) -> None:
        self.company, self.ground, self.timeline = company, ground, timeline
        self._people = {
            user.pk: Writer(Door.PAGE, because=str(Role(user.role).label), actor=user.pk) for user in ground.users
        }
        self._importer = next(user for user in ground.users if user.role == Role.MARKETING_DIRECTOR)

    def note(self, at: datetime, writer: Writer) -> int:
        """The change of a moment and a writer."""
        return self.timeline.note(at, writer)

    def arrival(self, lead: MadeLead) -> Writer:
        """Who brought a lead: the website, or the list of an event's visitors."""
        if lead.channel != "events" or lead.campaign is None:
            return WEBSITE
        file = f"{self.company.campaigns[lead.campaign].slug}-visitors.csv"
        return Writer(Door.IMPORT, file, str(Role(self._importer.role).label), self._importer.pk)

    def person(self, user: int | None) -> Writer:
        """Somebody at work on the pages; nobody in particular is the intake."""
        return self._people[user] if user is not None else INTAKE

    def passed(self, lead: MadeLead, step: Passage) -> Writer:
        """Who moved a lead on."""
        if step.is_from_deal:
            return CRM
        if step.by is not None:
            return self.person(step.by)
        return INTAKE if step.to_stage == Stage.MQL else self.arrival(lead)

    def scored(self, at: datetime) -> int:
        """The change of a score: that of the day for the last, the intake's for all others."""
        return self.note(at, RESCORING if at == self.company.until else INTAKE)

    def lead(self, made: MadeLead, story: Story) -> list[Version]:
        """A lead from its capture on, through passages, scores and the assignment."""
        steps: list[tuple[datetime, int, dict[str, Any]]] = []
        for passage in story.passages:
            change = self.note(passage.at, self.passed(made, passage))
            steps.append((passage.at, change, {"stage": passage.to_stage, "changed_at": passage.at}))
        for given in story.scores:
            steps.append((given.at, self.scored(given.at), {"score": given.score.total}))
        if story.now is not None:
            steps.append((self.company.until, self.scored(self.company.until), {"score": story.now.total}))
        if story.assigned_at is not None:
            held = {"owner_id": story.owner, "territory_id": story.territory}
            steps.append((story.assigned_at, self.note(story.assigned_at, INTAKE), held))
        if made.unsubscribed_at is not None:
            left = self.note(made.unsubscribed_at, WEBSITE)
            steps.append((made.unsubscribed_at, left, {"is_unsubscribed": True}))
        steps.sort(key=itemgetter(0))
        first = story.passages[0].to_stage if story.passages else Stage.LEAD.value
        state: dict[str, Any] = dict.fromkeys(LEAD_COLUMNS)
        state |= {"stage": first, "score": 0, "is_unsubscribed": False, "changed_at": made.captured_at}
        versions = [(self.note(made.captured_at, self.arrival(made)), *state.values())]
        for _, change, told in steps:
            state |= told
            versions.append((change, *state.values()))
        return versions

    def account(self, first: MadeLead, owned: tuple[int, datetime] | None) -> list[Version]:
        """A company from its first lead on; ``owned`` is its owner and since when."""
        known = [(self.note(first.captured_at, self.arrival(first)), None)]
        return known if owned is None else [*known, (self.note(owned[1], INTAKE), owned[0])]

    def promise(self, promise: Promise, owner: int | None) -> list[Version]:
        """A follow-up, open until it is done."""
        versions: list[Version] = [(self.note(promise.planned_at, INTAKE), None, "")]
        if promise.done_at is not None:
            versions.append((self.note(promise.done_at, self.person(owner)), promise.done_at, promise.outcome))
        return versions

    def deal(self, number: int, deal: Deal) -> Iterator[Version]:
        """A deal at each of its changes; closed from a close on, until it is reopened."""
        moved = {move.at for move in deal.stages}
        since = deal.created_at
        for change in changes_of(deal):
            stage = self.ground.stages[change.stage]
            is_open = stage.status == DealStatus.OPEN
            since = change.at if change.at in moved else since
            lost = stage.status == DealStatus.LOST
            yield (
                self.note(change.at, CRM),
                stage.pk,
                stage.status,
                change.cents,
                self.ground.rates.reporting_cents(
                    amount_cents=change.cents,
                    currency=deal.currency,
                    on=self.company.day_of(deal.created_at if is_open else change.at),
                ),
                None if is_open else change.at,
                deal.planned_on if is_open else change.at.date(),
                since,
                (deal.lost_reason or LOST_REASONS[number % len(LOST_REASONS)]) if lost else "",
                change.at,
            )


__all__ = ["Histories"]
