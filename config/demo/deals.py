"""What sales makes of the leads: opportunities that touches truly cause, their people, stages, amounts and
ends.

The cause is decided here and kept: every touch of a fitting lead may start an opportunity, in proportion to
its campaign's `effect`; some start by themselves. Interest then shows as brand searches, direct visits and
a demo request before the opportunity opens, which is what deceives first-touch and last-touch attribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import log
from random import Random

from config.demo.journeys import Journeys
from config.demo.records import Account, AmountMove, Deal, StageMove
from config.demo.seasons import working_moment
from config.demo.team import territory_of

# key: (name, share of the cycle at which it starts, chance that a lost deal gets no further)
STAGES: dict[str, tuple[str, float, float]] = {
    "qualification": ("Qualification", 0.0, 0.34),
    "discovery": ("Discovery", 0.22, 0.45),
    "proposal": ("Proposal", 0.55, 0.60),
    "negotiation": ("Negotiation", 0.80, 1.0),
}
LOST_REASONS = (
    "Price",
    "Lost to a competitor",
    "No decision",
    "Missing integration",
    "Project stopped",
    "No budget",
)
_ROLES = ("champion", "evaluator", "buyer", "other")
_CURRENCY = {"uk-ireland": "GBP", "north-america": "USD"}
_KIND_STRENGTH = {
    "webinar_attendance": 1.7,
    "form_submission": 1.2,
    "webinar_registration": 0.7,
    "event_visit": 1.3,
    "email_click": 0.3,
    "email_open": 0.04,
    "email_reply": 0.8,
    "email_signup": 0.6,
}
_UNPLANNED_EFFECT = {"organic-search": 0.35, "direct": 0.1}
_WIN_SHARE, _REOPENED_SHARE, _STALLED_SHARE, _NO_CONTACT_SHARE = 0.24, 0.03, 0.05, 0.05
_MEDIAN_CYCLE_DAYS = 52.0
_PAUSE = timedelta(days=90)

Start = tuple[float, int, datetime, int | None]


@dataclass(slots=True)
class Change:
    """The state an opportunity took on at a moment: its stage and its amount."""

    at: datetime
    stage: str
    cents: int


def make_deals(rng: Random, journeys: Journeys, accounts: list[Account], count: int) -> list[Deal]:
    """`count` opportunities by opening date; adds touches of interest before them and of their people
    during them.
    """
    leads, until = journeys.leads, journeys.until
    by_account: dict[int, list[int]] = {}
    for number, lead in enumerate(leads):
        if lead.account is not None and lead.merged_into is None and not lead.is_bot:
            by_account.setdefault(lead.account, []).append(number)
    deals: list[Deal] = []
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    for _, number, cause_at, cause in sorted(_starts(rng, journeys, accounts), key=lambda start: start[0]):
        if len(deals) == count:
            break
        lead = leads[number]
        lag = timedelta(days=4 + rng.expovariate(1 / 19.0))
        opened = working_moment(rng, max(cause_at, lead.captured_at) + lag, lead.country)
        if opened >= until:
            continue
        deal = _deal(rng, journeys, accounts, number, opened, cause)
        spans = taken.setdefault(deal.account if deal.account is not None else -1 - number, [])
        end = (deal.closed_at or until) + _PAUSE
        if any(opened < other_end and other_start < end for other_start, other_end in spans):
            continue
        spans.append((opened, end))
        if rng.random() >= _NO_CONTACT_SHARE:
            deal.contacts = _contacts(rng, journeys, by_account, deal)
        _interest(rng, journeys, deal, max(cause_at, lead.captured_at))
        deals.append(deal)
    deals.sort(key=lambda deal: (deal.created_at, deal.lead))
    for place, deal in enumerate(deals):
        deal.key = f"deal-{place:05d}"
    return deals


def changes_of(deal: Deal) -> list[Change]:
    """Stages and amounts merged: one change per moment."""
    moments = sorted({move.at for move in deal.stages} | {move.at for move in deal.amounts})
    stages = {move.at: move.stage for move in deal.stages}
    amounts = {move.at: move.cents for move in deal.amounts}
    changes: list[Change] = []
    stage, cents = deal.stages[0].stage, deal.amounts[0].cents
    for at in moments:
        stage, cents = stages.get(at, stage), amounts.get(at, cents)
        changes.append(Change(at, stage, cents))
    return changes


def _starts(rng: Random, journeys: Journeys, accounts: list[Account]) -> list[Start]:
    """Every moment an opportunity could start: the likelier, the smaller its first number."""
    effects = [campaign.effect for campaign in journeys.campaigns]
    starts: list[Start] = []
    for touch in journeys.touches:
        lead = journeys.leads[touch.lead]
        unplanned = _UNPLANNED_EFFECT.get(touch.channel, 0.0)
        effect = effects[touch.campaign] if touch.campaign is not None else unplanned
        chance = effect * lead.fit * _KIND_STRENGTH.get(touch.kind, 0.35)
        if chance <= 0 or touch.is_bot or lead.is_bot or not lead.email or lead.merged_into is not None:
            continue
        interest = accounts[lead.account].interest if lead.account is not None else 0.3
        starts.append((rng.random() / (chance * interest), touch.lead, touch.at, touch.campaign))
    for number, lead in enumerate(journeys.leads):
        if lead.account is None or lead.is_bot or not lead.email or lead.merged_into is not None or lead.fit < 0.1:
            continue
        chance = 0.85 * lead.fit * accounts[lead.account].interest
        at = lead.captured_at + timedelta(days=rng.random() * 90)
        starts.append((rng.random() / chance, number, at, None))
    return starts


def _deal(
    rng: Random, journeys: Journeys, accounts: list[Account], lead: int, opened: datetime, cause: int | None
) -> Deal:
    person = journeys.leads[lead]
    account = accounts[person.account] if person.account is not None else None
    size = account.size if account else 20
    days = rng.lognormvariate(log(_MEDIAN_CYCLE_DAYS), 0.55) * (size / 120) ** 0.08
    if rng.random() < _STALLED_SHARE:
        days *= 4
    is_won = rng.random() < _WIN_SHARE * (0.75 + 0.4 * person.fit) * (1.25 if cause is not None else 0.8)
    first = round(rng.lognormvariate(log(17_500), 0.75) * (size / 120) ** 0.28 / 100) * 10_000
    name = f"{account.name if account else person.first_name + ' ' + person.last_name}: {_what(rng)}"
    planned_on = (opened + timedelta(days=30 + 15 * int(rng.random() * 5))).date()
    deal = Deal(
        key="",
        name=name,
        account=person.account,
        lead=lead,
        contacts=[],
        owner=-1,
        currency=_CURRENCY.get(territory_of(person.country), "EUR"),
        cents=max(first, 150_000),
        created_at=opened,
        closed_at=None,
        planned_on=planned_on,
        expected_on=planned_on,
        status="open",
        stage="qualification",
        lost_reason="",
        stages=[],
        amounts=[],
        cause=cause,
    )
    _history(rng, deal, person.country, days, is_won, journeys.until)
    return deal


def _history(rng: Random, deal: Deal, country: str, days: float, is_won: bool, until: datetime) -> None:
    """Stages and amounts as they came, cut off at `until`."""
    moves: list[StageMove] = []
    ends_at = 1.0
    for key, (_, share, ends_here) in STAGES.items():
        wobble = share * (0.9 + 0.2 * rng.random())
        at = deal.created_at if share == 0 else deal.created_at + timedelta(days=days * wobble)
        moves.append(StageMove(at if share == 0 else working_moment(rng, at, country), key))
        if not is_won and rng.random() < ends_here:
            ends_at = min(share + 0.12 + 0.3 * rng.random(), 1.1)
            break
    last = max(deal.created_at + timedelta(days=days * ends_at), moves[-1].at + timedelta(hours=20))
    moves.append(StageMove(working_moment(rng, last, country), "won" if is_won else "lost"))
    if not is_won and rng.random() < _REOPENED_SHARE:
        back = working_moment(rng, moves[-1].at + timedelta(days=20 + rng.random() * 50), country)
        again = working_moment(rng, back + timedelta(days=10 + rng.random() * 30), country)
        moves += [StageMove(back, "proposal"), StageMove(again, "won")]
    deal.stages = [move for move in moves if move.at < until]
    deal.reopened = any(before.stage == "lost" for before, _ in pairwise(deal.stages))
    deal.stage = deal.stages[-1].stage
    deal.status = deal.stage if deal.stage in ("won", "lost") else "open"
    if deal.status != "open":
        deal.closed_at = deal.stages[-1].at
        deal.expected_on = deal.stages[-1].at.date()
    if deal.status == "lost":
        deal.lost_reason = LOST_REASONS[int(rng.random() ** 1.4 * len(LOST_REASONS))]
    _amounts(rng, deal)


def _amounts(rng: Random, deal: Deal) -> None:
    """The first estimate, a better one with the proposal, often a discount in the negotiation."""
    deal.amounts = [AmountMove(deal.created_at, deal.cents)]
    for move in deal.stages:
        factor = 1.0
        if move.stage == "proposal" and rng.random() < 0.6:
            factor = 0.75 + 0.6 * rng.random()
        elif move.stage == "negotiation" and rng.random() < 0.55:
            factor = 0.82 + 0.14 * rng.random()
        if factor != 1.0:
            deal.cents = max(round(deal.cents * factor / 5000) * 5000, 150_000)
            deal.amounts.append(AmountMove(move.at, deal.cents))


def _contacts(rng: Random, journeys: Journeys, by_account: dict[int, list[int]], deal: Deal) -> list[tuple[int, str]]:
    """The person it started with first, as decision maker or champion, then up to three colleagues known by
    then.
    """
    leads, end = journeys.leads, deal.closed_at or journeys.until
    role = "decision_maker" if leads[deal.lead].fit > 0.6 else "champion"
    contacts = [(deal.lead, role)]
    colleagues = by_account.get(deal.account, []) if deal.account is not None else []
    for colleague in colleagues:
        near = abs((leads[colleague].captured_at - deal.created_at).days) < 240
        known = leads[colleague].captured_at < end and leads[colleague].fit > 0
        if colleague != deal.lead and known and near and len(contacts) < 4 and rng.random() < 0.75:
            contacts.append((colleague, _ROLES[min(len(contacts) - 1 + (role == "champion"), 3)]))
    return contacts


def _interest(rng: Random, journeys: Journeys, deal: Deal, since: datetime) -> None:
    """What convinced people do: search the name, come back directly, ask for a demo; then they evaluate."""
    gap = deal.created_at - since
    for _ in range(int(rng.random() * 3.6)):
        journeys.visit(
            deal.lead,
            since + gap * (0.3 + 0.6 * rng.random()),
            group="self",
            kind="page_view",
            page="/pricing",
        )
    if rng.random() < 0.72:
        at = deal.created_at - timedelta(hours=min(6 + rng.random() * 80, gap.total_seconds() / 3600 * 0.5))
        journeys.visit(deal.lead, at, group="self", kind="form_submission", name="Demo request", page="/contact")
    end = deal.closed_at or journeys.until
    during = end - deal.created_at
    for number, _ in deal.contacts or [(deal.lead, "")]:
        for _ in range(int(rng.expovariate(0.5))):
            at = deal.created_at + during * rng.random()
            if at > journeys.leads[number].captured_at:
                journeys.visit(number, at, group="email", kind="email_click", page="/docs/quickstart")
        if deal.status == "won" and rng.random() < 0.5:
            at = end + timedelta(days=rng.expovariate(1 / 30.0))
            if at > journeys.leads[number].captured_at:
                journeys.visit(number, at, group="email", kind="email_open")


def _what(rng: Random) -> str:
    return ("Team plan", "Business plan", "Enterprise plan", "Platform and support", "Pilot project")[
        int(rng.random() * 5)
    ]
