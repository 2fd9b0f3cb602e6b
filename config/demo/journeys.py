"""How people meet the company: the touches before the form, the form itself, and what follows."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random

from config.demo.campaigns import BAD_CAMPAIGN
from config.demo.people import Identity, Population
from config.demo.records import Account, Campaign, Lead, Touch
from config.demo.seasons import Days, moment
from config.demo.team import TERRITORIES, territory_of
from config.demo.words import COUNTRIES

_UNPLANNED = {"organic-search": 13.0, "direct": 6.0}
_FORMS = ("Demo request", "Pricing request", "Free trial", "Contact sales", "Newsletter and trial")
_PAGES = (
    "/",
    "/product",
    "/pricing",
    "/customers",
    "/docs/quickstart",
    "/integrations",
    "/blog/honest-funnels",
)
_SELF_INITIATED = ("brand-search", "retargeting", "direct", "organic-search")
_BOT_SHARE, _NO_EMAIL_SHARE, _UNSUBSCRIBED_SHARE, _TWIN_SHARE = 0.008, 0.015, 0.045, 0.006


@dataclass(slots=True)
class Source:
    """Where new leads come from: a campaign with its days, or a channel nobody planned."""

    campaign: int | None
    channel: str
    pull: float
    days: Days


class Journeys:
    """Leads and their touches, one after another, from one stream of chance."""

    def __init__(
        self, rng: Random, campaigns: list[Campaign], population: Population, since: datetime, until: datetime
    ) -> None:
        self.rng = rng
        self.campaigns = campaigns
        self.population = population
        self.since, self.until = since, until
        self.leads: list[Lead] = []
        self.touches: list[Touch] = []
        self._countries = _countries_by_region()
        self._active: dict[tuple[date, str, str], tuple[list[int], list[float]]] = {}
        self._webinars = [
            (number, campaign, campaign.happens_on)
            for number, campaign in enumerate(campaigns)
            if campaign.channel == "webinar" and campaign.happens_on is not None
        ]
        self._sources = self._all_sources()
        self._source_pulls = list(accumulate(source.pull for source in self._sources))
        self._bad = next(n for n, campaign in enumerate(campaigns) if campaign.slug == BAD_CAMPAIGN)

    def make(self, count: int) -> None:
        """`count` leads in order of capture, their touches unsorted."""
        rng = self.rng
        arrivals: list[tuple[datetime, int, Source, str]] = []
        for number in range(count):
            place = bisect_right(self._source_pulls, rng.random() * self._source_pulls[-1])
            source = self._sources[min(place, len(self._sources) - 1)]
            region = self.campaigns[source.campaign].region if source.campaign is not None else ""
            codes, weights = self._countries[region]
            country = codes[min(bisect_right(weights, rng.random() * weights[-1]), len(codes) - 1)]
            at = moment(rng, source.days.draw(rng), country)
            while not self.since <= at < self.until:
                at = moment(rng, source.days.draw(rng), country)
            arrivals.append((at, number, source, country))
        arrivals.sort(key=lambda arrival: arrival[:2])
        for at, _, source, country in arrivals:
            self._lead(at, source, country)

    def visit(self, lead: int, at: datetime, *, group: str, kind: str, name: str = "", page: str = "") -> None:
        """One touch through an active campaign of a group (`visit`, `self`, `email`), if its time has come."""
        if not self.since <= at < self.until:
            return
        campaign = self._some_campaign(at.date(), territory_of(self.leads[lead].country), group)
        if campaign is None:
            channel = "direct" if self.rng.random() < 0.4 else "organic-search"
        else:
            channel = self.campaigns[campaign].channel
        if kind == "page_view" and campaign is not None and self.campaigns[campaign].medium in ("cpc", "paid-social"):
            kind = "ad_click"
        self._touch(lead, at, kind, channel, campaign, name, page)

    def _lead(self, at: datetime, source: Source, country: str) -> None:
        rng, number = self.rng, len(self.leads)
        is_bad = source.campaign == self._bad
        twin = rng.random()
        if twin < _TWIN_SHARE and number > 100:
            self._twin(at, source)
            return
        identity = self.population.person(country, private=0.3 if is_bad else 0.09, fit_limit=0.45 if is_bad else 1.0)
        account = self.population.accounts[identity.account] if identity.account is not None else None
        lead = _new_lead(number, identity, account, at, source)
        if is_bad:
            lead.fit = 0.0  # nobody it brings ever buys
        if source.channel == "events" and rng.random() < _NO_EMAIL_SHARE * 12:
            lead.external_id, lead.email = f"badge-{at:%y%m}-{number:05d}", ""
        lead.is_bot = rng.random() < _BOT_SHARE
        lead.has_consent = source.channel in ("email", "webinar", "content") or rng.random() < 0.7
        self.leads.append(lead)
        self._story(number, lead, source)

    def _twin(self, at: datetime, source: Source) -> None:
        """The same person again under a private address: merged into the first record, touches and all."""
        rng, number = self.rng, len(self.leads)
        first = int(rng.random() * number)
        while self.leads[first].merged_into is not None or not self.leads[first].email:
            first = int(rng.random() * number)
        known = self.leads[first]
        identity = Identity(
            f"{known.first_name}.{number}@freemail.example".lower(),
            known.first_name,
            known.last_name,
            known.company,
            known.job_title,
            known.phone,
            known.country,
            known.region,
            known.postal_code,
            None,
            0.0,
        )
        identity.email = identity.email.encode("ascii", "ignore").decode()
        lead = _new_lead(number, identity, None, at, source)
        lead.merged_into = first
        self.leads.append(lead)
        self._touch(first, at, "form_submission", source.channel, source.campaign, _FORMS[0], "/pricing")

    def _story(self, number: int, lead: Lead, source: Source) -> None:
        rng, born = self.rng, lead.captured_at
        is_bad = source.campaign == self._bad
        if not is_bad and not lead.is_bot:
            for _ in range(min(int(rng.expovariate(0.75)), 4)):
                before = born - timedelta(days=rng.expovariate(1 / 9.0), minutes=5)
                self.visit(number, before, group="visit", kind="page_view", page=self._page())
        kind, name, page = self._birth(source)
        self._touch(number, born, kind, source.channel, source.campaign, name, page)
        if source.campaign is not None:
            held = self.campaigns[source.campaign].happens_on
            if source.channel == "webinar" and held is not None:
                self._attend(number, source.campaign, held, born, 0.56)
        engagement = rng.lognormvariate(0, 0.8) * (0.35 + lead.fit) * (0.4 if is_bad or lead.is_bot else 1.0)
        self._nurture(number, born, min(int(engagement * 4.2 + rng.random()), 26), is_bad)
        if not is_bad and lead.email and not lead.is_bot:
            self._invite(number, born, lead.fit)
        if rng.random() < _UNSUBSCRIBED_SHARE * (2.5 if is_bad else 1.0):
            left = born + timedelta(days=rng.expovariate(1 / 60.0))
            lead.unsubscribed_at = left if left < self.until else None

    def _nurture(self, number: int, born: datetime, count: int, is_bad: bool) -> None:
        rng, at = self.rng, born
        for _ in range(count):
            at = at + timedelta(days=rng.expovariate(1 / 13.0), minutes=3)
            if at >= self.until:
                return
            if at.weekday() >= 5 and rng.random() < 0.7:
                at += timedelta(days=2)
            chance = rng.random()
            if not self.leads[number].email:
                chance = 0.95
            if is_bad and chance > 0.6:
                kind = "form_submission" if chance > 0.88 else "ad_click"
                name = "Download: State of Product Analytics Report" if chance > 0.88 else ""
                self._touch(number, at, kind, self.campaigns[self._bad].channel, self._bad, name, "/library")
            elif chance < 0.22 or is_bad:
                self.visit(number, at, group="email", kind="email_open")
            elif chance < 0.42:
                self.visit(number, at, group="email", kind="email_click", page=self._page())
            elif chance < 0.435:
                self.visit(number, at, group="email", kind="email_reply")
            elif chance < 0.72:
                self.visit(number, at, group="self", kind="page_view", page=self._page())
            elif chance < 0.90:
                self.visit(number, at, group="visit", kind="page_view", page=self._page())
            else:
                name = _FORMS[int(rng.random() * len(_FORMS))]
                self.visit(number, at, group="visit", kind="form_submission", name=name, page="/contact")

    def _invite(self, number: int, born: datetime, fit: float) -> None:
        """Known people come to later webinars; the mailing reaches those captured in the last 150 days."""
        rng = self.rng
        for campaign, facts, held in self._webinars:
            if not 0 < (held - born.date()).days < 150 or rng.random() > 0.03 + 0.13 * fit:
                continue
            asked = max(
                moment(rng, held - timedelta(days=1 + int(rng.random() * 20)), "DE"),
                born + timedelta(hours=1),
            )
            if asked < self.until:
                self._touch(number, asked, "webinar_registration", "webinar", campaign, facts.name, "/webinars")
                self._attend(number, campaign, held, asked, 0.62)

    def _attend(self, number: int, campaign: int, held: date, asked: datetime, chance: float) -> None:
        if self.rng.random() > chance:
            return
        at = datetime.combine(held, datetime.min.time(), self.until.tzinfo) + timedelta(
            hours=14, seconds=int(self.rng.random() * 600)
        )
        if asked < at < self.until:
            self._touch(number, at, "webinar_attendance", "webinar", campaign, self.campaigns[campaign].name, "")

    def _birth(self, source: Source) -> tuple[str, str, str]:
        rng, channel = self.rng, source.channel
        title = self.campaigns[source.campaign].name if source.campaign is not None else ""
        if channel == "webinar":
            return "webinar_registration", title, "/webinars"
        if channel == "events":
            return "event_visit", title, ""
        if channel == "email" or (channel in ("organic-social", "organic-search") and rng.random() < 0.3):
            return "email_signup", "Newsletter", "/newsletter"
        if channel in ("content", "paid-social", "display") and rng.random() < 0.75:
            asset = title if channel == "content" else "State of Product Analytics Report"
            return "form_submission", f"Download: {asset}", "/library"
        name = _FORMS[int(rng.random() * len(_FORMS))]
        return "form_submission", name, "/pricing" if name == "Pricing request" else "/contact"

    def _touch(
        self, lead: int, at: datetime, kind: str, channel: str, campaign: int | None, name: str, page: str
    ) -> None:
        scanned = kind == "email_click" and self.rng.random() < 0.03
        is_bot = scanned or self.leads[lead].is_bot
        # A visit put off over the weekend may lie ahead of us. Chance is drawn for it all the same, as for any other.
        if at < self.until:
            self.touches.append(Touch(lead, at.replace(microsecond=0), kind, channel, campaign, name, page, is_bot))

    def _page(self) -> str:
        return _PAGES[int(self.rng.random() * len(_PAGES))]

    def _some_campaign(self, day: date, region: str, group: str) -> int | None:
        week = day - timedelta(days=day.weekday())
        known = self._active.get((week, region, group))
        if known is None:
            known = self._active[week, region, group] = self._active_in(week, region, group)
        numbers, weights = known
        place = bisect_right(weights, self.rng.random() * weights[-1])
        return numbers[place] if place < len(numbers) else None

    def _active_in(self, week: date, region: str, group: str) -> tuple[list[int], list[float]]:
        """Campaigns of the group running that week in that region; the last weight is "no campaign"."""
        numbers, weights = [], []
        for number, campaign in enumerate(self.campaigns):
            if campaign.parent is None or campaign.slug == BAD_CAMPAIGN or campaign.happens_on is not None:
                continue
            if campaign.region not in ("", region) or campaign.starts_on > week:
                continue
            if campaign.ends_on is not None and campaign.ends_on < week + timedelta(days=6):
                continue
            own = "email" if campaign.channel == "email" else "visit"
            own = "self" if campaign.channel in _SELF_INITIATED else own
            if own == group:
                numbers.append(number)
                weights.append(max(campaign.pull, 0.8) if group == "email" else campaign.pull)
        if group == "self":
            weights = [weight * 2 for weight in weights]
        spare = {"email": 0.0, "self": 7.0, "visit": 6.0}[group]
        return numbers, list(accumulate([*weights, spare if numbers or spare else 1.0]))

    def _all_sources(self) -> list[Source]:
        since, until = self.since.date(), self.until.date()
        sources = []
        for number, campaign in enumerate(self.campaigns):
            if campaign.parent is None:
                continue
            last = min(campaign.ends_on or until, campaign.happens_on or until, until)
            if campaign.starts_on > last:
                continue
            start = campaign.happens_on if campaign.channel == "events" else campaign.starts_on
            start = min(start or campaign.starts_on, last)
            end = min(last + timedelta(days=1 if campaign.channel == "events" else 0), until)
            days = Days(start, end, since, towards=campaign.happens_on)
            sources.append(Source(number, campaign.channel, campaign.pull, days))
        whole = Days(since, until, since)
        return sources + [Source(None, channel, pull, whole) for channel, pull in _UNPLANNED.items()]


def _new_lead(number: int, who: Identity, account: Account | None, at: datetime, source: Source) -> Lead:
    return Lead(
        key=f"lead-{number:06d}",
        email=who.email,
        external_id="",
        first_name=who.first_name,
        last_name=who.last_name,
        company=who.company,
        job_title=who.job_title,
        phone=who.phone,
        country=who.country,
        region=who.region,
        postal_code=who.postal_code,
        industry=account.industry if account else "",
        size=account.size if account else None,
        account=who.account,
        campaign=source.campaign,
        channel=source.channel,
        captured_at=at,
        has_consent=True,
        is_bot=False,
        fit=who.fit,
    )


def _countries_by_region() -> dict[str, tuple[list[str], list[float]]]:
    """Countries with cumulative weights for every region, and for all of them under an empty name."""
    named = {code for territory in TERRITORIES for code in territory.countries}
    groups = {territory.slug: [c for c in territory.countries if c in COUNTRIES] for territory in TERRITORIES}
    groups[TERRITORIES[-1].slug] = [code for code in COUNTRIES if code not in named]
    groups[""] = list(COUNTRIES)
    return {name: (codes, list(accumulate(COUNTRIES[code][0] for code in codes))) for name, codes in groups.items()}
