"""What reps wrote down: answers that qualified leads, calls and notes, and when to try recycled leads again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from config.demo.bulk import Bulk
from config.demo.histories import Histories
from config.demo.records import DemoCompany
from config.demo.stories import Passage, Story
from leads.models import Activity, Lead, Qualification, QuestionSet, Recycling, Stage
from leads.pure.qualification import from_rows

_NEEDS = (
    "Every team reports another revenue figure to the board",
    "Reports take two days of copying at the end of each month",
    "They cannot tell which campaigns bring deals",
    "Their dashboards break with every change of the CRM",
    "The new CFO wants a forecast that can be explained",
    "Sales and marketing count leads differently",
)
_OTHERS = ("An agency's spreadsheets", "Looker", "Power BI", "The reports of their CRM", "Nothing yet")
_CALLS = (
    "Talked to them and their controller; a demo is agreed.",
    "Good call. They send sample data.",
    "Wants a price for forty seats before the next call.",
    "Decides together with the head of IT, who joins next time.",
    "Knows us from the webinar; compares two vendors.",
)
_NOTES = (
    "Prefers email on Fridays.",
    "Assistant: Ms. Roth, extension 14.",
    "Their fiscal year ends in March.",
    "Asked for a reference in their industry.",
)
_LATER = ("bad_timing", "no_budget", "unreachable")
_RECENT = timedelta(days=75)
Verified = Sequence[tuple[int, Lead, Passage]]
"""Passages to SQL that people made: the key of each, its lead, and the step."""


def write_desk(
    bulk: Bulk,
    company: DemoCompany,
    leads: Sequence[Lead],
    stories: Sequence[Story],
    verified: Verified,
    histories: Histories,
) -> None:
    """Everything that hangs on a lead because a rep wrote it."""
    rng = Random(f"{company.seed} desk")
    bulk.stream(
        Qualification,
        _qualifications(rng, verified),
        known=lambda row: ((histories.note(row["qualified_at"], histories.person(row["by_id"])),),),
    )
    bulk.stream(
        Activity,
        _activities(bulk, rng, verified),
        known=lambda row: ((histories.note(row["recorded_at"], histories.person(row["by_id"])),),),
    )
    bulk.stream(
        Recycling,
        _recyclings(rng, company, leads, stories),
        known=lambda row: ((histories.note(row["created_at"], histories.person(row["by_id"])),),),
    )


def _qualifications(rng: Random, verified: Verified) -> Iterator[dict[str, Any]]:
    asked = QuestionSet.objects.get(version=1)
    texts = {"need": _NEEDS, "competition": _OTHERS}
    for passage, lead, step in verified:
        answers = []
        for question in from_rows(asked.questions):
            if not question.is_required and rng.random() < 0.5:
                continue
            offered = question.offered or texts[question.key]
            # The first choices are those that make a lead an SQL.
            answer = offered[int(rng.random() ** (1.6 if question.offered else 1) * len(offered))]
            answers.append({"key": question.key, "label": question.label, "answer": answer})
        yield {
            "lead_id": lead.pk,
            "passage_id": passage,
            "question_set_id": asked.pk,
            "answers": answers,
            "by_id": step.by,
            "qualified_at": step.at,
        }


def _activities(bulk: Bulk, rng: Random, verified: Verified) -> Iterator[dict[str, Any]]:
    for _, lead, step in verified:
        kinds: list[tuple[str, str, tuple[str, ...]]] = [("call", "reached", _CALLS)]
        if rng.random() < 0.3:
            kinds.append(("note", "", _NOTES))
        for kind, outcome, texts in kinds:
            yield {
                "public_id": bulk.public_id(),
                "lead_id": lead.pk,
                "kind": kind,
                "outcome": outcome,
                "note": texts[int(rng.random() * len(texts))],
                "occurred_at": step.at,
                "recorded_at": step.at,
                "by_id": step.by,
            }


def _recyclings(
    rng: Random, company: DemoCompany, leads: Sequence[Lead], stories: Sequence[Story]
) -> Iterator[dict[str, Any]]:
    today = company.day_of(company.until)
    for lead, story in zip(leads, stories, strict=True):
        step = story.passages[-1] if story.passages else None
        if step is None or story.stage != Stage.RECYCLED or step.by is None or step.is_from_deal:
            continue
        if step.reason not in _LATER or company.until - step.at > _RECENT or rng.random() < 0.25:
            continue
        yield {
            "lead_id": lead.pk,
            "comes_back_on": _business_day(today + timedelta(days=1 + int(rng.random() ** 1.5 * 60))),
            "because": step.because[:300],
            "by_id": step.by,
            "created_at": step.at,
        }


def _business_day(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
