"""Accounts, leads and all that happened to them, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from config.demo.bulk import Bulk
from config.demo.intake import Given, Intake, Story
from config.demo.records import DemoCompany, Touch
from config.demo.records import Lead as MadeLead
from config.demo.seed_settings import Ground
from leads.actions.routing.assign_lead import pure_rules
from leads.actions.scoring.score_lead import rule_set_of
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
    TerritoryRep,
    Touchpoint,
)
from leads.pure import routing
from leads.pure.capture.bots import BOT, MAIL_SCANNER

_SITE = "https://www.fernhill.example"
_CONSENT = "Yes, Fernhill Analytics may send me product news by e-mail. I can withdraw this at any time."


def live_through(company: DemoCompany, ground: Ground) -> tuple[Intake, list[Story]]:
    """Every lead's story under the stored rules."""
    settings = Company.current()
    intake = Intake(
        company,
        rule_set=rule_set_of(ground.rule_set),
        territory_rules=pure_rules(rows=ground.rules),
        catch_all=ground.territories[-1].pk,
        reps=_reps(company, ground),
        names={user.pk: user.name for user in ground.users},
        hours=settings.hours,
        follow_up_hours=settings.follow_up_hours,
    )
    return intake, intake.run()


def write_accounts(bulk: Bulk, company: DemoCompany, intake: Intake, ground: Ground) -> dict[int, Account]:
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
                owner=owners.get(intake.account_owners.get(number, 0)),
                created_at=lead.captured_at,
            )
        )
    return dict(zip(first_seen, bulk.put(Account, rows), strict=True))


def write_leads(
    bulk: Bulk, company: DemoCompany, ground: Ground, accounts: dict[int, Account], intake: Intake, stories: list[Story]
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
                score=story.scores[-1].score.total if story.scores else 0,
                is_unsubscribed=made.unsubscribed_at is not None,
                captured_at=made.captured_at,
                changed_at=max([made.captured_at, *(step.at for step in story.passages[-1:])]),
                merged_into=rows[made.merged_into] if made.merged_into is not None else None,
            )
        )
    return bulk.put(Lead, rows)


def write_touchpoints(bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead]) -> None:
    """Every touch, with the tags its campaign's links carry."""
    bulk.stream(Touchpoint, _touchpoints(bulk, company, ground, leads))


def _touchpoints(bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead]) -> Iterator[dict[str, Any]]:
    channels = {key: channel.pk for key, channel in ground.channels.items()}
    campaigns = [campaign.pk for campaign in ground.campaigns]
    for number, touch in enumerate(company.touches):
        made = company.campaigns[touch.campaign] if touch.campaign is not None else None
        yield {
            "public_id": bulk.public_id(),
            "lead_id": leads[touch.lead].pk,
            "campaign_id": campaigns[touch.campaign] if touch.campaign is not None else None,
            "channel_id": channels[touch.channel],
            "kind": touch.kind,
            "name": touch.name,
            "occurred_at": touch.at,
            "recorded_at": touch.at,
            "utm_source": made.source if made else "",
            "utm_medium": made.medium if made else "",
            "utm_campaign": made.slug if made else "",
            "landing_page": _SITE + touch.page if touch.page else "",
            "referrer": "https://www.google.com/" if touch.channel == "organic-search" else "",
            "exclusion": _exclusion(company, touch),
            "dedupe_key": f"demo-{company.seed}-{number}",
        }


def _exclusion(company: DemoCompany, touch: Touch) -> str:
    if not touch.is_bot:
        return ""
    return BOT if company.leads[touch.lead].is_bot else MAIL_SCANNER


def write_stories(bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead], stories: list[Story]) -> None:
    """Consents, scores, assignments, passages and follow-ups."""
    pairs = list(zip(leads, stories, strict=True))
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
    )
    bulk.stream(LeadScore, (_score(ground, lead, given) for lead, story in pairs for given in story.scores))
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
                "assigned_at": story.assigned_at,
            }
            for lead, story in pairs
            if story.assigned_at is not None
        ),
    )
    bulk.stream(
        LifecyclePassage,
        (
            {
                "lead_id": lead.pk,
                "from_stage": step.from_stage,
                "to_stage": step.to_stage,
                "passed_at": step.at,
                "is_inferred": step.is_inferred,
                "reason": step.reason,
                "because": step.because[:300],
                "by_id": step.by,
            }
            for lead, story in pairs
            for step in story.passages
        ),
    )
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
    )


def write_events(bulk: Bulk, ground: Ground, leads: list[Lead], stories: list[Story]) -> None:
    """The news of every lead, as the actions would have recorded it."""
    kind = LeadEvent.Kind
    names = {user.pk: user.name for user in ground.users}
    territories = {territory.pk: territory.name for territory in ground.territories}

    def events() -> Iterator[dict[str, Any]]:
        for lead, story in zip(leads, stories, strict=True):
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
                yield _event(lead, kind.ASSIGNED, story.assigned_at, details)
            for step in story.passages[1:]:
                if not step.is_inferred:
                    details = {
                        "from": step.from_stage,
                        "to": step.to_stage,
                        "because": step.because,
                        "reason": step.reason,
                    }
                    yield _event(lead, kind.STAGE_CHANGED, step.at, details, by=step.by)

    bulk.stream(LeadEvent, events())


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


def _score(ground: Ground, lead: Lead, given: Given) -> dict[str, Any]:
    found = given.score
    return {
        "lead_id": lead.pk,
        "rule_set_id": ground.rule_set.pk,
        "total": found.total,
        "fit": found.fit,
        "behaviour": found.behaviour,
        "is_qualified": found.is_qualified,
        "scored_at": given.at,
        "reasons": [{"rule": r.rule, "points": r.points, "because": r.because} for r in found.reasons],
    }


def _reps(company: DemoCompany, ground: Ground) -> dict[int, list[routing.Rep]]:
    people = {user.pk: person for user, person in zip(ground.users, company.people, strict=True)}
    reps: dict[int, list[routing.Rep]] = {}
    for share in ground.reps:
        person = people[share.rep_id]
        away = [(start, end) for start, end, _ in person.away]
        reps.setdefault(share.territory_id, []).append(routing.Rep(share.rep_id, person.name, share.weight, away=away))
    return reps
