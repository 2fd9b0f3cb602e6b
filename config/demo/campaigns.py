"""The marketing plan: ten programmes and the fifty campaigns inside them, and what they cost by day.

Two things are planted for the reader to find: "The Bigger Picture", a brand-video campaign that spends a
lot, brings many poor leads and causes nothing, and the "Analytics in Practice" webinars, which cause far
more than they cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from config.demo.records import Campaign, Cost
from config.demo.seasons import day_weight

BAD_CAMPAIGN = "the-bigger-picture"
WEBINAR_PROGRAMME = "analytics-in-practice"
LATE_CHANNEL = "paid-social"
LATE_DAYS = 10
LATE_BILL_DAYS = 18


@dataclass(frozen=True, slots=True)
class _Line:
    """A campaign in the plan; `start` and `end` are fractions of the two years, `day_rate` is whole
    currency a day.
    """

    name: str
    pull: float
    effect: float
    day_rate: float
    region: str = ""
    start: float = 0.0
    end: float | None = None
    at: float | None = None


# programme: (channel, source, medium, lines)
_PLAN: dict[str, tuple[str, str, str, tuple[_Line, ...]]] = {
    "Brand Search": ("brand-search", "google", "cpc", (
        _Line("Brand Search DACH", 2.6, 0.1, 62, "dach"),
        _Line("Brand Search UK & Ireland", 1.5, 0.1, 38, "uk-ireland"),
        _Line("Brand Search Nordics", 0.9, 0.1, 21, "nordics"),
        _Line("Brand Search North America", 1.1, 0.1, 44, "north-america"),
    )),
    "Paid Search Non-Brand": ("paid-search", "google", "cpc", (
        _Line("Product Analytics DACH", 4.2, 2.2, 310, "dach"),
        _Line("Product Analytics UK & Ireland", 2.6, 2.0, 205, "uk-ireland"),
        _Line("Product Analytics North America", 2.2, 1.8, 265, "north-america"),
        _Line("Data Pipelines DACH", 2.5, 2.6, 190, "dach", 0.18),
        _Line("Data Pipelines Nordics", 1.4, 2.4, 96, "nordics", 0.18),
        _Line("Competitor Terms", 1.6, 3.0, 170, "", 0.42),
    )),
    "LinkedIn & Paid Social": ("paid-social", "linkedin", "paid-social", (
        _Line("Heads of Data DACH", 3.0, 1.5, 260, "dach"),
        _Line("Heads of Data UK & Ireland", 1.9, 1.3, 170, "uk-ireland"),
        _Line("Engineering Leaders Nordics", 1.2, 1.5, 105, "nordics", 0.1),
        _Line("Engineering Leaders North America", 1.6, 1.2, 190, "north-america", 0.25),
        _Line("The Bigger Picture", 4.6, 0.0, 780, "", 0.70),
    )),
    "Display & Retargeting": ("retargeting", "adnetwork", "display", (
        _Line("Retargeting Site Visitors", 0.9, 0.05, 88),
        _Line("Retargeting Pricing Visitors", 0.5, 0.1, 52),
        _Line("Trade Press Banners", 1.3, 0.15, 120, "", 0.05, 0.62),
        _Line("Connected TV Test", 0.4, 0.05, 240, "uk-ireland", 0.55, 0.63),
    )),
    # With the people who write it: of the sending alone email would return more than anybody believes.
    "Lifecycle Email": ("email", "crm", "email", (
        _Line("Monthly Newsletter", 2.4, 0.3, 380),
        _Line("Welcome Series", 0.3, 0.6, 140),
        _Line("Product Release Notes", 0.8, 0.5, 160),
        _Line("Evaluation Nurture", 0.3, 1.1, 220, "", 0.2),
        _Line("Win-back", 0.2, 0.2, 100, "", 0.35),
    )),
    "Analytics in Practice": ("webinar", "webinar", "webinar", (
        _Line("Webinar 1: Metrics Your Board Believes", 1.4, 3.4, 12800, at=0.07),
        _Line("Webinar 2: From Events to Revenue", 1.5, 3.6, 12800, at=0.20),
        _Line("Webinar 3: Data Contracts without Tears", 1.5, 3.8, 13600, at=0.32),
        _Line("Webinar 4: The Honest Funnel", 1.6, 3.5, 13600, at=0.44),
        _Line("Webinar 5: Attribution You Can Audit", 1.8, 4.2, 14400, at=0.57),
        _Line("Webinar 6: Self-serve Analytics at Scale", 1.8, 3.8, 14400, at=0.70),
        _Line("Webinar 7: Pipelines on a Budget", 1.8, 4.0, 15200, at=0.83),
        _Line("Webinar 8: Planning with Real Numbers", 1.8, 4.0, 15200, at=0.965),
    )),
    "Events": ("events", "event", "offline", (
        _Line("Data Days Berlin, first edition", 1.1, 2.2, 34000, "dach", at=0.27),
        _Line("London Metrics Week, first edition", 0.8, 1.8, 27000, "uk-ireland", at=0.38),
        _Line("Nordic Developer Summit", 0.9, 1.6, 18000, "nordics", at=0.52),
        _Line("Data Days Berlin, second edition", 1.2, 2.2, 36000, "dach", at=0.77),
        _Line("London Metrics Week, second edition", 0.8, 1.8, 28000, "uk-ireland", at=0.88),
        _Line("Boston Analytics Forum", 0.8, 1.1, 31000, "north-america", at=0.93),
    )),
    "Content Library": ("content", "website", "content", (
        _Line("State of Product Analytics Report", 4.4, 1.2, 46),
        _Line("Data Quality Handbook", 3.0, 1.4, 30, "", 0.15),
        _Line("ROI Calculator", 1.5, 2.0, 18, "", 0.3),
        _Line("Engineering Blog", 3.2, 0.6, 55),
        _Line("Migration Guide", 1.2, 2.2, 16, "", 0.45),
    )),
    "Partners & Referrals": ("partner", "partner", "referral", (
        _Line("Cloud Marketplace Listing", 1.4, 1.7, 60),
        _Line("Agency Partners DACH", 1.1, 2.2, 75, "dach", 0.12),
        _Line("Consultancy Partners North America", 0.6, 1.6, 52, "north-america", 0.4),
        _Line("Customer Referral Programme", 1.0, 2.8, 28),
    )),
    "Community & Social": ("organic-social", "social", "social", (
        _Line("Company Page Posts", 1.8, 0.3, 0),
        _Line("Developer Community", 1.7, 0.9, 40, "", 0.08),
        _Line("Video Tutorials", 1.5, 0.8, 35, "", 0.22),
    )),
}  # fmt: skip
_OWN_CHANNEL = {
    "Trade Press Banners": "display",
    "Connected TV Test": "display",
    "Customer Referral Programme": "referral",
}
_CURRENCY = {"uk-ireland": "GBP", "north-america": "USD"}


def plan(since: date, until: date) -> list[Campaign]:
    """All sixty, every programme directly before its campaigns."""
    span = (until - since).days
    campaigns: list[Campaign] = []
    for programme, (channel, source, medium, lines) in _PLAN.items():
        parent = len(campaigns)
        campaigns.append(
            Campaign(
                slug(programme),
                programme,
                channel,
                None,
                since,
                None,
                0,
                "EUR",
                0.0,
                0.0,
                "",
                source,
                medium,
                0,
            )
        )
        for line in lines:
            campaigns.append(_campaign(line, parent, channel, source, medium, since, span))
    return campaigns


def slug(name: str) -> str:
    """Lower-case words joined by hyphens."""
    kept = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "-".join(kept.split())


def _campaign(line: _Line, parent: int, channel: str, source: str, medium: str, since: date, span: int) -> Campaign:
    currency = _CURRENCY.get(line.region, "EUR")
    happens_on, ends_on = None, None
    if line.at is not None:
        day = since + timedelta(days=round(span * line.at))
        happens_on = day - timedelta(days=(day.weekday() - 2) % 7)  # Wednesdays
        starts_on, ends_on = happens_on - timedelta(days=35), happens_on + timedelta(days=14)
        budget = line.day_rate
    else:
        starts_on = since + timedelta(days=round(span * line.start))
        ends_on = since + timedelta(days=round(span * line.end)) if line.end is not None else None
        budget = line.day_rate * ((ends_on or since + timedelta(days=span)) - starts_on).days
    return Campaign(
        slug(line.name),
        line.name,
        _OWN_CHANNEL.get(line.name, channel),
        parent,
        max(starts_on, since),
        ends_on,
        round(budget * 1.05) // 500 * 500 * 100,
        currency,
        line.pull,
        line.effect,
        line.region,
        source,
        medium,
        round(line.day_rate * 100),
        happens_on,
    )


def costs(rng: Random, campaigns: list[Campaign], since: date, until: date, size: float) -> list[Cost]:
    """Cost of every day a campaign ran, up to the day before `until`; `size` scales all amounts.

    Reported the next morning, but for two: paid social is `LATE_DAYS` behind at the end, so that its last days are
    unknown, and the organizers of events send their final bill `LATE_BILL_DAYS` later.
    """
    rows: list[Cost] = []
    for number, campaign in enumerate(campaigns):
        if campaign.parent is None:
            continue
        last = until - timedelta(days=1 + (LATE_DAYS if campaign.channel == LATE_CHANNEL else 0))
        if campaign.happens_on is not None:
            bills = _event_bills(campaign, campaign.happens_on, last)
        else:
            bills = _running_cost(rng, campaign, since, last)
        for day, amount in bills.items():
            is_final = campaign.channel == "events" and day == campaign.happens_on
            reported_on = day + timedelta(days=LATE_BILL_DAYS if is_final else 1)
            if since <= day and reported_on <= until:
                cents = max(round(amount * size), 1) if amount else 0
                rows.append(Cost(number, day, cents, campaign.currency, reported_on))
    return rows


def _running_cost(rng: Random, campaign: Campaign, since: date, last: date) -> dict[date, float]:
    bills = {}
    day, end = campaign.starts_on, min(campaign.ends_on or last, last)
    is_media = campaign.medium in ("cpc", "paid-social", "display")
    while day <= end:
        weight = (0.55 + 0.45 * day_weight(day, since)) * (0.85 + 0.3 * rng.random()) if is_media else 1.0
        bills[day] = campaign.daily_cents * weight
        day += timedelta(days=1)
    return bills


def _event_bills(campaign: Campaign, held_on: date, last: date) -> dict[date, float]:
    """A deposit, the promotion in the last three weeks, the rest on the day itself; the other days cost nothing."""
    total = float(campaign.daily_cents)
    end = min(campaign.ends_on or held_on, last)
    bills = {campaign.starts_on + timedelta(days=n): 0.0 for n in range((end - campaign.starts_on).days + 1)}
    bills[campaign.starts_on] = total * 0.2
    for back in range(20, 0, -2):
        bills[held_on - timedelta(days=back)] = total * 0.02
    bills[held_on] = total * 0.6
    return {day: amount for day, amount in bills.items() if day <= last}
