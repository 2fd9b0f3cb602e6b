"""Accounts, leads and all that happened to them, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from config.demo.bulk import Bulk
from config.demo.histories import ACCOUNT_COLUMNS, INTAKE, LEAD_COLUMNS, PROMISE_COLUMNS, Histories
from config.demo.intake import Intake
from config.demo.records import DemoCompany
from config.demo.records import Lead as MadeLead
from config.demo.seed_settings import Ground
from config.demo.stories import Given, Passage, Story
from config.demo.timeline import Writer
from leads.models import (
    Account,
    Assignment,
    Company,
    Consent,
    FollowUp,
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    RepCapacity,
    ShownScore,
    Stage,
    TerritoryRep,
)
from leads.pure import routing
from leads.pure.scoring.score import Score
from leads.pure.scoring.stored import to_stored
from leads.queries.calendar import hours_of
from leads.queries.routing import RuleBook
from leads.queries.scoring import rule_set_of

_CONSENT = "Yes, Fernhill Analytics may send me product news by email. I can withdraw this at any time."


def live_through(company: DemoCompany, ground: Ground) -> tuple[Intake, list[Story]]:
    """Every lead's story under the stored rules."""
    settings = Company.current()
    intake = Intake(
        company,
        rule_set=rule_set_of(ground.rule_set),
        territory_rules=RuleBook(rows=ground.rules, company=settings).rules,
        catch_all=ground.territories[-1].pk,
        reps=_reps(company, ground),
        names={user.pk: user.name for user in ground.users},
        hours=settings.hours,
        hours_of=hours_of([user.pk for user in ground.users], settings),
        follow_up_hours=settings.follow_up_hours,
    )
    return intake, intake.run()


def write_accounts(
    bulk: Bulk, company: DemoCompany, intake: Intake, ground: Ground, histories: Histories
) -> dict[int, Account]:
    """Accounts of which we know somebody, by their index; the owner is the rep of the first lead."""
    owners = {user.pk: user for user in ground.users}
    first_seen: dict[int, MadeLead] = {}
    for lead in company.leads:
        if lead.account is not None:
            first_seen.setdefault(lead.account, lead)
    rows = []
    for number, lead in first_seen.items():
        made = company.accounts[number]
        rows.append(
            Account(
                public_id=bulk.public_id(),
                name=made.name,
                domain=made.domain,
                industry=made.industry,
                company_size=made.size,
                country=made.country,
                region=made.region,
                owner=owners[intake.account_owners[number][0]] if number in intake.account_owners else None,
                created_at=lead.captured_at,
            )
        )
    past = (histories.account(lead, intake.account_owners.get(number)) for number, lead in first_seen.items())
    written = bulk.put(Account, rows, known=lambda _: next(past), changing=ACCOUNT_COLUMNS)
    return dict(zip(first_seen, written, strict=True))


def write_leads(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    accounts: dict[int, Account],
    intake: Intake,
    stories: list[Story],
    histories: Histories,
) -> list[Lead]:
    """All leads in the state they are in at the end."""
    rows: list[Lead] = []
    for number, (made, story) in enumerate(zip(company.leads, stories, strict=True)):
        touches = intake.touches[number]
        channel = touches[0].channel if touches else made.channel
        campaign = touches[0].campaign if touches else made.campaign
        rows.append(
            Lead(
                id=bulk.next_id(Lead),
                public_id=bulk.public_id(),
                email=made.email or None,
                external_id=made.external_id or None,
                first_name=made.first_name,
                last_name=made.last_name,
                company=made.company,
                job_title=made.job_title,
                phone=made.phone,
                country=made.country,
                region=made.region,
                postal_code=made.postal_code,
                industry=made.industry,
                company_size=made.size,
                account=accounts[made.account] if made.account is not None else None,
                channel=ground.channels[channel],
                campaign=ground.campaigns[campaign] if campaign is not None else None,
                owner_id=story.owner,
                territory_id=story.territory,
                stage=story.stage,
                score=story.now.total if story.now else 0,
                is_unsubscribed=made.unsubscribed_at is not None,
                captured_at=made.captured_at,
                changed_at=max([made.captured_at, *(step.at for step in story.passages[-1:])]),
                merged_into=rows[made.merged_into] if made.merged_into is not None else None,
            )
        )
    past = (histories.lead(made, story) for made, story in zip(company.leads, stories, strict=True))
    return bulk.put(Lead, rows, known=lambda _: next(past), changing=LEAD_COLUMNS)


def write_stories(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    leads: list[Lead],
    stories: list[Story],
    histories: Histories,
) -> list[tuple[int, Lead, Passage]]:
    """Consents, scores, assignments, passages and follow-ups; returns the passages to SQL that people made."""
    pairs = list(zip(leads, stories, strict=True))
    note = histories.note
    arrivals = {lead.pk: histories.arrival(made) for lead, made in zip(leads, company.leads, strict=True)}
    bulk.stream(
        Consent,
        (
            {
                "lead_id": lead.pk,
                "text": _CONSENT,
                "given_at": made.captured_at,
                "source": "form",
                "basis": Consent.Basis.CONSENT,
            }
            for lead, made in zip(leads, company.leads, strict=True)
            if made.has_consent and not made.is_bot
        ),
        known=lambda row: ((note(row["given_at"], arrivals[row["lead_id"]]),),),
    )
    newest: dict[int, int] = {}
    bulk.stream(
        LeadScore,
        (_score(bulk, ground, lead, given, newest) for lead, story in pairs for given in story.scores),
        known=lambda row: ((histories.scored(row["scored_at"]),),),
    )
    given_by = {
        lead.pk: [*story.scores, Given(company.until, story.now)] for lead, story in pairs if story.scores and story.now
    }
    bulk.stream(
        ShownScore,
        (_shown(company, lead, story.now, newest[lead.pk]) for lead, story in pairs if story.now),
        known=lambda row: [
            (histories.scored(given.at), given.score.fit, given.score.behaviour, given.score.total)
            for given in given_by[row["lead_id"]]
        ],
        changing=("fit", "behaviour", "total"),
    )
    bulk.stream(
        Assignment,
        (
            {
                "lead_id": lead.pk,
                "territory_id": story.territory,
                "rule_id": story.rule,
                "owner_id": story.owner,
                "because": story.because[:400],
                "passed_over": story.passed_over,
                "rotation": story.rotation,
                "version_id": ground.version.pk,
                "assigned_at": story.assigned_at,
            }
            for lead, story in pairs
            if story.assigned_at is not None
        ),
        known=lambda row: ((note(row["assigned_at"], INTAKE),),),
    )
    writers = (
        histories.passed(made, step)
        for made, story in zip(company.leads, stories, strict=True)
        for step in story.passages
    )
    verified: list[tuple[int, Lead, Passage]] = []
    bulk.stream(
        LifecyclePassage,
        _passages(bulk, pairs, verified),
        known=lambda row: ((note(row["passed_at"], next(writers)),),),
    )
    promises = (histories.promise(promise, story.owner) for story in stories for promise in story.promises)
    bulk.stream(
        FollowUp,
        (
            {
                "lead_id": lead.pk,
                "owner_id": story.owner,
                "kind": promise.kind,
                "because": promise.because,
                "planned_at": promise.planned_at,
                "due_at": promise.due_at,
                "done_at": promise.done_at,
                "outcome": promise.outcome,
            }
            for lead, story in pairs
            for promise in story.promises
        ),
        known=lambda _: next(promises),
        changing=PROMISE_COLUMNS,
    )
    return verified


def _passages(
    bulk: Bulk, pairs: Sequence[tuple[Lead, Story]], verified: list[tuple[int, Lead, Passage]]
) -> Iterator[dict[str, Any]]:
    for lead, story in pairs:
        for step in story.passages:
            key = bulk.next_id(LifecyclePassage)
            if step.to_stage == Stage.SQL and step.by is not None and not step.is_inferred and not step.is_from_deal:
                verified.append((key, lead, step))
            yield {
                "id": key,
                "lead_id": lead.pk,
                "from_stage": step.from_stage,
                "to_stage": step.to_stage,
                "passed_at": step.at,
                "is_inferred": step.is_inferred,
                "reason": step.reason,
                "because": step.because[:300],
                "by_id": step.by,
            }


def write_events(
    bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead], stories: list[Story], histories: Histories
) -> None:
    """The news of every lead, as the actions would have recorded it."""
    kind = LeadEvent.Kind
    names = {user.pk: user.name for user in ground.users}
    territories = {territory.pk: territory.name for territory in ground.territories}

    writers: list[Writer] = []

    def events() -> Iterator[dict[str, Any]]:
        for lead, made, story in zip(leads, company.leads, stories, strict=True):
            writers.append(histories.arrival(made))
            if lead.merged_into is not None:
                yield _event(lead.merged_into, kind.MERGED, lead.captured_at, {"merged": str(lead.public_id)})
                continue
            yield _event(lead, kind.CAPTURED, lead.captured_at, {"source": "website"})
            if story.assigned_at is not None:
                details = {
                    "territory": territories[story.territory or 0],
                    "owner": names.get(story.owner or 0, ""),
                    "because": story.because,
                }
                writers.append(INTAKE)
                yield _event(lead, kind.ASSIGNED, story.assigned_at, details)
            for step in story.passages[1:]:
                if not step.is_inferred:
                    details = {
                        "from": step.from_stage,
                        "to": step.to_stage,
                        "because": step.because,
                        "reason": step.reason,
                    }
                    writers.append(histories.passed(made, step))
                    yield _event(lead, kind.STAGE_CHANGED, step.at, details, by=step.by)

    told = iter(writers)
    bulk.stream(LeadEvent, events(), known=lambda row: ((histories.note(row["recorded_at"], next(told)),),))


def _event(
    lead: Lead, kind: LeadEvent.Kind, at: datetime, details: dict[str, str], by: int | None = None
) -> dict[str, Any]:
    return {"lead_id": lead.pk, "kind": kind, "happened_at": at, "recorded_at": at, "details": details, "by_id": by}


def finish_reps(bulk: Bulk, ground: Ground, intake: Intake) -> None:
    """The state of the rotations, and capacities that leave everybody room for new leads."""
    credits = {(territory, rep.id): rep.current_credit for territory, reps in intake.reps.items() for rep in reps}
    for share in ground.reps:
        share.credit = credits[share.territory_id, share.rep_id]
    TerritoryRep.objects.bulk_update(ground.reps, ["credit"])
    reps = {share.rep_id for share in ground.reps}
    held = {rep: Lead.objects.open().filter(owner_id=rep).count() for rep in sorted(reps)}
    bulk.stream(
        RepCapacity,
        ({"rep_id": rep, "open_leads": count * 5 // 4 // 50 * 50 + 150} for rep, count in held.items()),
    )


def _score(bulk: Bulk, ground: Ground, lead: Lead, given: Given, newest: dict[int, int]) -> dict[str, Any]:
    """``newest`` keeps the id of each lead's last one."""
    found = given.score
    newest[lead.pk] = bulk.next_id(LeadScore)
    return {
        "id": newest[lead.pk],
        "lead_id": lead.pk,
        "rule_set_id": ground.rule_set.pk,
        "total": found.total,
        "fit": found.fit,
        "behaviour": found.behaviour,
        "is_qualified": found.is_qualified,
        "scored_at": given.at,
        "reasons": to_stored(found),
    }


def _shown(company: DemoCompany, lead: Lead, found: Score, score: int) -> dict[str, Any]:
    return {
        "lead_id": lead.pk,
        "given_id": score,
        "total": found.total,
        "fit": found.fit,
        "behaviour": found.behaviour,
        "computed_on": company.day_of(company.until),
        "turns_on": found.turns_on,
        "changes_on": found.changes_on,
    }


def _reps(company: DemoCompany, ground: Ground) -> dict[int, list[routing.Rep]]:
    people = {user.pk: person for user, person in zip(ground.users, company.people, strict=True)}
    reps: dict[int, list[routing.Rep]] = {}
    for share in ground.reps:
        person = people[share.rep_id]
        away = [(start, end) for start, end, _ in person.away]
        reps.setdefault(share.territory_id, []).append(routing.Rep(share.rep_id, person.name, share.weight, away=away))
    return reps
