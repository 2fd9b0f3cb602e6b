"""Which channel brought a visit: ordered rules over UTM tags and the referrer, first match wins."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from leads.pure.channels.apps import site_of
from leads.pure.channels.landing import click_of, parameters, tags_of

OTHER = "other"


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
    """A channel and its conditions: globs without regard to case, alternatives separated by |, empty =
    anything.

    `referrer` is compared with the host name, without www. "?*" asks for any value at all.
    """

    position: int
    channel: str
    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""


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


class _Asked(NamedTuple):
    """What rules are compared with; ``app`` is the id of an app that sent the person."""

    source: str
    medium: str
    campaign: str
    host: str
    app: str


def _asked(visit: Visit, own_hosts: Collection[str]) -> _Asked:
    seen = _complete(visit)
    site = site_of(seen.referrer)
    host = _host(site or seen.referrer)
    if any(host == own or host.endswith(f".{own}") for own in map(_host, own_hosts) if own):
        host, site = "", ""
    source, medium, campaign = (value.strip().casefold() for value in (seen.source, seen.medium, seen.campaign))
    return _Asked(source, medium, campaign, host, _host(seen.referrer) if site else "")


def _catches(rule: ChannelRule, asked: _Asked) -> bool:
    return (
        _fits(rule.medium, asked.medium)
        and _fits(rule.source, asked.source)
        and _fits(rule.campaign, asked.campaign)
        and (_fits(rule.referrer, asked.host) or (asked.app != "" and _fits(rule.referrer, asked.app)))
    )


def _complete(visit: Visit) -> Visit:
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
    return host.removeprefix("www.")


def _fits(globs: str, value: str) -> bool:
    return not globs or _pattern(globs).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _pattern(globs: str) -> re.Pattern[str]:
    parts = [fnmatch.translate(part.strip().casefold()) for part in globs.split("|")]
    return re.compile("|".join(f"(?:{part})" for part in parts))


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

_PAID = "cpc|ppc|sem|paid|paid?search|paidsearch|search?ads|cpm|cpv|cpa"
_SEARCH = (
    "google|google.*|images.google.*|news.google.*|cse.google.*|bing|bing.com|*.bing.com|duckduckgo|duckduckgo.com|yahoo|"
    "search.yahoo.*|*.search.yahoo.com|ecosia|ecosia.org|*.ecosia.org|baidu|baidu.com|*.baidu.com|yandex|yandex.*|qwant|qwant.com|*.qwant.com|"
    "startpage|startpage.com|*.startpage.com|search.brave.com|brave|kagi.com|naver|search.naver.com|"
    "*.seznam.cz|seznam|adwords|googleads"
)
_SOCIAL = (
    "linkedin|linkedin.com|*.linkedin.com|lnkd.in|facebook|facebook.com|*.facebook.com|fb|fb.com|fb.me|meta|"
    "instagram|instagram.com|*.instagram.com|ig|twitter|twitter.com|*.twitter.com|x|x.com|t.co|youtube|youtube.com|"
    "*.youtube.com|youtu.be|reddit|reddit.com|*.reddit.com|tiktok|tiktok.com|*.tiktok.com|pinterest|pinterest.*|"
    "*.pinterest.*|xing|xing.com|*.xing.com|threads.net|bsky.app|mastodon.*|quora.com|*.quora.com|t.me|"
    "news.ycombinator.com|vk.com"
)
_WEBMAIL = "mail.google.com|mail.yahoo.com|*.mail.yahoo.com|outlook.*|mail.proton.me|com.google.android.gm|*.mail.ru"
_NON_BRAND = "*non?brand*|*nonbrand*|*no?brand*|*generic*"


def _ordered(*rules: ChannelRule) -> tuple[ChannelRule, ...]:
    return tuple(replace(rule, position=position) for position, rule in enumerate(rules, start=1))


# From the most deliberate tag to the weakest hint. "Brand" is asked after "non-brand", whose name contains
# it.
DEFAULT_RULES: tuple[ChannelRule, ...] = _ordered(
    ChannelRule(0, "retargeting", medium="*retarget*|*remarket*"),
    ChannelRule(0, "retargeting", campaign="*retarget*|*remarket*"),
    ChannelRule(0, "webinar", medium="*webinar*"),
    ChannelRule(0, "events", medium="event|events|*trade?show*|conference|*qr*"),
    ChannelRule(0, "partner", medium="*partner*|*reseller*|*affiliate*"),
    ChannelRule(0, "email", medium="*email*|*e-mail*|newsletter|mail|drip|nurture"),
    ChannelRule(0, "paid-social", medium="*paid?social*|*paidsocial*|*social?paid*|*social?ads*"),
    ChannelRule(0, "paid-social", source=_SOCIAL, medium=_PAID),
    ChannelRule(0, "display", medium="display|*banner*|programmatic|gdn|cpm|native|video?ads"),
    ChannelRule(0, "paid-search", medium=_PAID, campaign=_NON_BRAND),
    ChannelRule(0, "brand-search", source=_SEARCH, medium=_PAID, campaign="*brand*"),
    ChannelRule(0, "paid-search", source=_SEARCH, medium=_PAID),
    ChannelRule(0, "paid-search", medium="cpc|ppc|sem|paid?search|paidsearch|search?ads"),
    ChannelRule(0, "organic-social", medium="*social*|*community*"),
    ChannelRule(0, "content", medium="content|blog|*whitepaper*|ebook|e-book|podcast|video|*content?syndication*"),
    ChannelRule(0, "organic-search", medium="organic|organic?search|seo"),
    ChannelRule(0, "email", source="*newsletter*|email|e-mail|hubspot?email|mailchimp|sendgrid|klaviyo"),
    ChannelRule(0, "webinar", source="*webinar*"),
    ChannelRule(0, "referral", medium="referral|link"),
    ChannelRule(0, "organic-social", source=_SOCIAL),
    ChannelRule(0, "organic-search", source=_SEARCH),
    ChannelRule(0, "other", medium="?*"),
    ChannelRule(0, "other", source="?*"),
    ChannelRule(0, "other", campaign="?*"),
    ChannelRule(0, "email", referrer=_WEBMAIL),
    ChannelRule(0, "organic-social", referrer=_SOCIAL),
    ChannelRule(0, "organic-search", referrer=_SEARCH),
    ChannelRule(0, "referral", referrer="?*"),
    ChannelRule(0, "direct"),
)
