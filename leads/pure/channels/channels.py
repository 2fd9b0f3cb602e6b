"""Which channel brought a visit: ordered rules over UTM tags and the referrer, first match wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from leads.pure.channels.apps import SCHEMES, site_of
from leads.pure.channels.globs import SHIPPED
from leads.pure.channels.landing import click_of, meant, parameters, tags_of
from leads.pure.conditions.evaluate import Evaluator, Facts
from leads.pure.conditions.grammar import Group
from leads.pure.conditions.properties import Catalog, Kind, Property
from leads.pure.spelling.identity import is_below

OTHER = "other"
_OF_APPS = tuple(f"{scheme}:" for scheme in SCHEMES)
VISITS = Catalog(
    [
        Property("source", "Source", Kind.TEXT, "Visit"),
        Property("medium", "Medium", Kind.TEXT, "Visit"),
        Property("campaign", "Campaign", Kind.TEXT, "Visit"),
        Property("referrer", "Referring site", Kind.TEXT, "Visit"),
    ]
)
"""What channel rules look at: the tags of a visit, and where it came from."""


class Channel(NamedTuple):
    """A channel to create at the start. Self-initiated: the person came by themselves, no campaign sent
    them."""

    key: str
    name: str
    parent_key: str | None
    is_self_initiated: bool
    color: str


@dataclass(frozen=True, slots=True)
class Visit:
    """How somebody arrived. `referrer` and `landing_page` are addresses of pages or bare host names; empty =
    unknown."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""
    landing_page: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A channel and its conditions on a visit (see `VISITS`); none take whatever comes.

    The referring site is compared by its host name, without www.
    """

    position: int
    channel: str
    conditions: Group = Group()  # noqa: RUF009  # nothing of it can be changed


@dataclass(frozen=True, slots=True)
class ChannelMatch:
    """The channel, and the position of the rule that decided; None if no rule matched (channel "other")."""

    channel_key: str
    rule_position: int | None


def classify(visit: Visit, rules: Sequence[ChannelRule], own_hosts: Collection[str] = ()) -> ChannelMatch:
    """The channel of a visit by the first matching rule. Referrers on `own_hosts` say nothing and are
    ignored.

    A visit without tags has those of its landing page. Where the medium is missing, the click id that an ad network
    has appended decides it: the ad would otherwise look like organic search. An app is its service's website.
    """
    asked = _asked(visit, own_hosts)
    for rule in sorted(rules, key=lambda rule: rule.position):
        if _catches(rule, asked):
            return ChannelMatch(rule.channel, rule.position)
    return ChannelMatch(OTHER, None)


def catching(visit: Visit, rules: Sequence[ChannelRule], own_hosts: Collection[str] = ()) -> list[ChannelRule]:
    """Every rule whose conditions a visit meets, in order; the first of them decides."""
    asked = _asked(visit, own_hosts)
    return [rule for rule in sorted(rules, key=lambda rule: rule.position) if _catches(rule, asked)]


def _asked(visit: Visit, own_hosts: Collection[str]) -> Facts:
    """What rules are compared with. An app that sent the person is a site beside that of its service."""
    seen = _complete(visit)
    site = site_of(seen.referrer)
    host = _host(site or seen.referrer)
    if is_below(host, map(_host, own_hosts)):
        host, site = "", ""
    source, medium, campaign = (value.strip().casefold() for value in (seen.source, seen.medium, seen.campaign))
    referrer: str | tuple[str, str] = (host, _host(seen.referrer)) if site else host
    return Facts({"source": source, "medium": medium, "campaign": campaign, "referrer": referrer})


def _catches(rule: ChannelRule, asked: Facts) -> bool:
    return bool(_ready(rule.conditions).reason(asked, date.min))


@lru_cache(maxsize=1024)
def _ready(conditions: Group) -> Evaluator:
    return Evaluator(conditions, VISITS)


def _complete(visit: Visit) -> Visit:
    visit = replace(visit, source=meant(visit.source), medium=meant(visit.medium), campaign=meant(visit.campaign))
    if not visit.landing_page or visit.medium.strip():
        return visit
    given = parameters(visit.landing_page)
    if not (visit.source or visit.campaign):
        tags = tags_of(given)
        visit = replace(visit, source=tags["source"], medium=tags["medium"], campaign=tags["campaign"])
    click = None if visit.medium.strip() else click_of(given)
    return replace(visit, source=visit.source or click.source, medium=click.medium) if click else visit


def _host(address: str) -> str:
    text = address.strip().casefold()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    # "null", "about:blank" and machines of one's own are nobody who refers people.
    return host.removeprefix("www.") if "." in host or text.startswith(_OF_APPS) else ""


DEFAULT_CHANNELS: tuple[Channel, ...] = (
    Channel("paid-search", "Paid search", None, False, "#2563eb"),
    Channel("brand-search", "Brand search", "paid-search", True, "#93b4f5"),
    Channel("organic-search", "Organic search", None, True, "#0f766e"),
    Channel("paid-social", "Paid social", None, False, "#7c3aed"),
    Channel("organic-social", "Organic social", None, False, "#b794f6"),
    Channel("email", "Email", None, False, "#d97706"),
    Channel("events", "Events", None, False, "#be123c"),
    Channel("webinar", "Webinars", "events", False, "#e8759a"),
    Channel("referral", "Referral", None, False, "#4d7c0f"),
    Channel("partner", "Partners", "referral", False, "#a3b866"),
    Channel("display", "Display", None, False, "#0e7490"),
    Channel("retargeting", "Retargeting", "display", True, "#67b7c9"),
    Channel("content", "Content", None, False, "#92400e"),
    Channel("direct", "Direct", None, True, "#64748b"),
    Channel("other", "Other", None, False, "#a8a29e"),
)

DEFAULT_RULES: tuple[ChannelRule, ...] = tuple(
    ChannelRule(each.position, each.channel, each.conditions) for each in SHIPPED
)
