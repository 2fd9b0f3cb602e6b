"""What a weekly report recommends: open questions with evidence, none larger than what the receiver can take.

A campaign's return is claimed only from enough won deals and outside an 80% interval; with fewer the question says so
and claims nothing. What was asked before is not asked again until something material has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Literal

from alignment.pure.headline import in_sentence
from leads.pure import words

Kind = Literal["move_budget", "review_budget", "raise_budget", "find_cause"]
Verdict = Literal["loses", "pays", "unclear"]

# Won deals below which a return is not claimed.
FEW_DEALS = 5
# Of a normal distribution: four of five weeks lie within.
EIGHTY = 1.2816
# A change of spend, or of a figure, from which the same question is asked again.
QUARTER = 0.25
# The part of a campaign's spend that a receiver must be able to take to be named.
FAIR_PART = 0.1
# New questions of one report: more are not decided in one meeting.
MOST_NEW = 3
DAYS = 91


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """A campaign in the 13 weeks of a report, in cents. ``credits``: what each won deal credits it with."""

    id: str
    name: str
    cost: int
    credits: tuple[int, ...]

    @property
    def revenue(self) -> int:
        """What is attributed to it."""
        return sum(self.credits)

    @property
    def roi(self) -> float:
        """0.5: it was attributed half as much again as it spent."""
        return (self.revenue - self.cost) / self.cost

    @property
    def interval(self) -> tuple[int, int]:
        """Between what its revenue would lie in 80% of such quarters: deals come at random, each of its own size."""
        spread = EIGHTY * sqrt(sum(credit * credit for credit in self.credits))
        return max(0, round(self.revenue - spread)), round(self.revenue + spread)

    @property
    def is_few(self) -> bool:
        """Whether there are too few won deals to claim anything."""
        return len(self.credits) < FEW_DEALS

    @property
    def verdict(self) -> Verdict:
        """Whether it clearly brought less, or more, than it spent."""
        low, high = self.interval
        if self.is_few or low <= self.cost <= high:
            return "unclear"
        return "loses" if high < self.cost else "pays"


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """A figure outside its normal variation, to the worse."""

    key: str
    name: str
    text: str
    previous_text: str
    normal: str
    value: float
    is_up: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What was recommended last about a subject, with the values it rested on."""

    subject: str
    is_open: bool
    values: Mapping[str, Any]
    receiver: str = ""
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value that a question rests on. ``entry`` and ``item`` say which rows of the report it opens."""

    label: str
    text: str
    entry: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """An open question. ``amount`` in cents is the most that it is about; ``changed`` says what is new since it was
    asked last, empty the first time."""

    kind: Kind
    subject: str
    question: str
    grounds: str
    evidence: tuple[Evidence, ...]
    values: dict[str, Any]
    caution: str = ""
    receiver: str = ""
    capacity: str = ""
    amount: int | None = None
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """The report's entries that hold the rows of campaigns."""

    cost: str
    revenue: str


# --- whether to ask --------------------------------------------------------------------------------------------------


def what_changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What has changed so much since a question was asked that it is asked again, in words; empty if nothing.

    Of a campaign: the sign of its ROI, its spend by a quarter, or a return that can be claimed now and could not be,
    or was claimed the other way. Of a figure: the direction it moved in, or its value by a quarter.
    """
    if "cost" in now and "cost" in then:
        if (now["roi"] < 0) != (then["roi"] < 0):
            return f"its ROI turned {'negative' if now['roi'] < 0 else 'positive'}"
        if abs(now["cost"] - then["cost"]) >= QUARTER * then["cost"]:
            part = words.share(_relative(then["cost"], now["cost"]), 0)
            return f"its spend {_moved(then['cost'], now['cost'])} by {part}"
        if now["verdict"] not in ("unclear", then["verdict"]):
            return "there are enough won deals now to tell its return"
        return ""
    if "value" in now and "value" in then:
        if now["is_up"] != then["is_up"]:
            return f"it {'rose' if now['is_up'] else 'fell'} this time"
        if _relative(then["value"], now["value"]) >= QUARTER:
            return f"it {_moved(then['value'], now['value'])} by a quarter or more"
        return ""
    return "it is another kind of question now"


def _relative(then: float, now: float) -> float:
    return abs(now - then) / abs(then) if then else float(now != then)


def _moved(then: float, now: float) -> str:
    return "rose" if now > then else "fell"


# --- what to ask -----------------------------------------------------------------------------------------------------


def recommend(
    campaigns: Sequence[CampaignFacts],
    figures: Sequence[FigureFacts],
    asked: Collection[Asked],
    *,
    currency: str,
    entries: Entries,
) -> list[Advice]:
    """The new questions of a report, the most money first. ``campaigns`` are those whose spend is worth a decision."""
    last = {each.subject: each for each in asked}
    room = {each.id: each.cost for each in campaigns if each.verdict == "pays"}
    for each in asked:
        if each.is_open and each.receiver in room:
            room[each.receiver] -= each.amount
    found: list[Advice] = []
    for advice in _in_order(campaigns, figures, room, currency, entries):
        before = last.get(advice.subject)
        changed = what_changed(before.values, advice.values) if before else ""
        if before and not changed:
            continue
        if advice.receiver and advice.amount:
            room[advice.receiver] -= advice.amount
        found.append(replace(advice, changed=f"Asked again, as {changed}." if changed else ""))
        if len(found) == MOST_NEW:
            break
    return found


def _in_order(
    campaigns: Sequence[CampaignFacts],
    figures: Sequence[FigureFacts],
    room: dict[str, int],
    currency: str,
    entries: Entries,
) -> Iterator[Advice]:
    by_id = {each.id: each for each in campaigns}
    losing = sorted((c for c in campaigns if c.verdict == "loses"), key=lambda c: (c.revenue - c.cost, c.name, c.id))
    for campaign in losing:
        receiver = _receiver(campaign, by_id, room)
        yield _losing(campaign, receiver, room, currency, entries)
    for figure in figures:
        yield _find_cause(figure)
    unknown = (c for c in campaigns if c.is_few and c.roi < 0)
    for campaign in sorted(unknown, key=lambda c: (-c.cost, c.name, c.id)):
        yield _unclear(campaign, currency, entries)
    if not losing:
        paying = (c for c in campaigns if c.verdict == "pays" and room[c.id] > 0)
        for campaign in sorted(paying, key=lambda c: (-c.roi, c.name, c.id))[:1]:
            yield _paying(campaign, room, currency, entries)


def _receiver(
    campaign: CampaignFacts, by_id: Mapping[str, CampaignFacts], room: Mapping[str, int]
) -> CampaignFacts | None:
    """Where the budget would be attributed most, by what each can still take."""
    able = [by_id[key] for key, left in room.items() if left >= FAIR_PART * campaign.cost and key != campaign.id]
    return min(able, key=lambda c: (-min(campaign.cost, room[c.id]) * c.roi, c.name, c.id), default=None)


def _losing(
    campaign: CampaignFacts,
    receiver: CampaignFacts | None,
    room: Mapping[str, int],
    currency: str,
    entries: Entries,
) -> Advice:
    grounds = f"{_spent(campaign, currency)}, less than it spent. Deals that are still open are not in it."
    if receiver is None:
        return Advice(
            kind="review_budget",
            subject=campaign.id,
            question=f"Should {campaign.name} keep its budget?",
            grounds=grounds,
            evidence=_evidence(campaign, currency, entries),
            values=_values(campaign),
            capacity="No other campaign that clearly pays could take a fair part of it.",
        )
    amount = min(campaign.cost, room[receiver.id])
    return Advice(
        kind="move_budget",
        subject=campaign.id,
        question=f"Should part of the budget of {campaign.name} move to {receiver.name}?",
        grounds=f"{grounds} {_spent(receiver, currency)}, more than it spent.",
        evidence=(*_evidence(campaign, currency, entries), *_evidence(receiver, currency, entries)),
        values=_values(campaign),
        receiver=receiver.id,
        capacity=_capacity(receiver, amount, currency),
        amount=amount,
    )


def _unclear(campaign: CampaignFacts, currency: str, entries: Entries) -> Advice:
    number = len(campaign.credits)
    deals = "No won deal is" if not number else f"Only {number} won deal{'' if number == 1 else 's'} {_are(number)}"
    return Advice(
        kind="review_budget",
        subject=campaign.id,
        question=f"Should {campaign.name} keep its budget?",
        grounds=f"{_spent(campaign, currency)}. Deals that are still open are not in it.",
        evidence=_evidence(campaign, currency, entries),
        values=_values(campaign),
        caution=f"{deals} attributed to it: too few to say whether it pays (at least {FEW_DEALS} are needed).",
    )


def _paying(campaign: CampaignFacts, room: Mapping[str, int], currency: str, entries: Entries) -> Advice:
    amount = room[campaign.id]
    return Advice(
        kind="raise_budget",
        subject=campaign.id,
        question=f"Should {campaign.name} get a larger budget?",
        grounds=f"{_spent(campaign, currency)}, more than it spent.",
        evidence=_evidence(campaign, currency, entries),
        values=_values(campaign),
        receiver=campaign.id,
        capacity=_capacity(campaign, amount, currency),
        amount=amount,
    )


def _find_cause(figure: FigureFacts) -> Advice:
    verb = "rose" if figure.is_up else "fell"
    normal = f", outside its normal range of {figure.normal}" if figure.normal else ", outside its normal variation"
    return Advice(
        kind="find_cause",
        subject=figure.key,
        question=f"Who finds out by the next meeting why {in_sentence(figure.name)} {verb}?",
        grounds=f"{figure.name}: {figure.text} this week, {figure.previous_text} last week{normal}.",
        evidence=(Evidence(f"{figure.name}, this week", figure.text, figure.key),),
        values={"value": figure.value, "is_up": figure.is_up},
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _spent(campaign: CampaignFacts, currency: str) -> str:
    low, high = (words.money(cents, currency) for cents in campaign.interval)
    number = len(campaign.credits)
    text = f"{campaign.name} spent {words.money(campaign.cost, currency)} in 13 weeks and is attributed "
    text += f"{words.money(campaign.revenue, currency)} from {number} won deal{'' if number == 1 else 's'}"
    return text if campaign.is_few else f"{text} (80% interval {low} to {high})"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _capacity(receiver: CampaignFacts, amount: int, currency: str) -> str:
    most, a_day = words.money(amount, currency), words.money(round(receiver.cost / DAYS), currency)
    doubled = "which would double what" if amount == receiver.cost else "on top of what"
    return (
        f"At most {most} over 13 weeks, {doubled} {receiver.name} spends now ({a_day} a day). Its ROI is an average; "
        "what is added usually brings less, so raise it in steps and look again."
    )


def _evidence(campaign: CampaignFacts, currency: str, entries: Entries) -> tuple[Evidence, ...]:
    name, number = campaign.name, len(campaign.credits)
    return (
        Evidence(f"{name}: cost, 13 weeks", words.money(campaign.cost, currency), entries.cost, campaign.id),
        Evidence(
            f"{name}: attributed revenue, 13 weeks",
            words.money(campaign.revenue, currency),
            entries.revenue,
            campaign.id,
        ),
        Evidence(f"{name}: won deals", words.count(number), entries.revenue, campaign.id),
        Evidence(f"{name}: ROI", words.share(campaign.roi, 0)),
    )


def _values(campaign: CampaignFacts) -> dict[str, Any]:
    return {
        "cost": campaign.cost,
        "revenue": campaign.revenue,
        "deals": len(campaign.credits),
        "roi": campaign.roi,
        "verdict": campaign.verdict,
    }
