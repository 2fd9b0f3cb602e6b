"""Rules written as patterns side by side: those that the portal comes with, and how such rules become conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import Operator

NAMES = ("source", "medium", "campaign", "referrer")


@dataclass(frozen=True, slots=True)
class Globs:
    """A channel and patterns that must all fit, alternatives separated by |; an empty one fits anything."""

    position: int
    channel: str
    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""

    @property
    def conditions(self) -> Group:
        """The same in the grammar that all rules share."""
        found = [_fits(name, getattr(self, name)) for name in NAMES if getattr(self, name)]
        return Group(tuple(item for item in found if item is not None))


def _fits(name: str, globs: str) -> Condition | Group | None:
    """None where anything fits. A pattern that fits an unknown value, too, says so by a condition of its own."""
    parts = tuple(dict.fromkeys(part.strip() for part in globs.split("|")))
    patterns = tuple(part for part in parts if part)
    if any(not each.strip("*") for each in patterns):
        return None
    unknown = Condition(name, Operator.UNKNOWN)
    if not patterns:
        return unknown
    is_any = "?*" in patterns or "*?" in patterns
    wanted = Condition(name, Operator.KNOWN) if is_any else Condition(name, Operator.LIKE, patterns)
    return Group((wanted, unknown), "any") if "" in parts else wanted


_PAID = "cpc|ppc|sem|paid|paid?search|paidsearch|search?ads|cpm|cpv|cpa"


def _in_countries(*names: str) -> str:
    """The hosts of services that have one for each country; a name alone is the source that tags give."""
    return "|".join(f"{name}|{name}.com|{name}.??|{name}.co.??|{name}.com.??" for name in names)


_SEARCH = (
    f"{_in_countries('google', 'yandex', 'search.yahoo')}|images.google.*|news.google.*|cse.google.*|lens.google.com|"
    "ya.ru|bing|bing.com|*.bing.com|duckduckgo|duckduckgo.com|*.duckduckgo.com|yahoo|*.search.yahoo.com|ecosia|ecosia.org|"
    "*.ecosia.org|baidu|baidu.com|*.baidu.com|qwant|qwant.com|*.qwant.com|startpage|startpage.com|*.startpage.com|"
    "search.brave.com|brave|kagi.com|naver|search.naver.com|*.seznam.cz|seznam|adwords|googleads|so.com|*.so.com|"
    "sogou.com|*.sogou.com|suche.*|presearch.com|metager.*|swisscows.com|petalsearch.com"
)
_SOCIAL = (
    "linkedin|linkedin.com|*.linkedin.com|lnkd.in|facebook|facebook.com|*.facebook.com|fb|fb.com|fb.me|meta|"
    "instagram|instagram.com|*.instagram.com|ig|twitter|twitter.com|*.twitter.com|x|x.com|t.co|youtube|youtube.com|"
    "*.youtube.com|youtu.be|reddit|reddit.com|*.reddit.com|tiktok|tiktok.com|*.tiktok.com|"
    f"{_in_countries('pinterest')}|*.pinterest.*|xing|xing.com|*.xing.com|threads.net|threads.com|bsky.app|mastodon.*|quora.com|"
    "*.quora.com|t.me|news.ycombinator.com|vk.com|*.vk.com|snapchat|snapchat.com|*.snapchat.com|whatsapp|whatsapp.com|"
    "*.whatsapp.com|wa.me|discord.com|discord|weibo.com|*.weibo.com"
)
# As tags name the advertising of those services: "LinkedIn Ads", "fb_ads".
_SOCIAL_ADS = (
    "linkedin?ads|linkedinads|linkedin?ad|facebook?ads|facebookads|facebook?ad|fb?ads|fbads|meta?ads|metaads|instagram?ads|ig?ads|"
    "twitter?ads|x?ads|tiktok?ads|tiktokads|reddit?ads|pinterest?ads|youtube?ads|snapchat?ads|quora?ads"
)
_SEARCH_ADS = "google?ads|google?adwords|bing?ads|bingads|microsoft?ads|adwords|googleads"
_SEARCH_MEDIA = "pmax|performance?max|*shopping*|pla|dsa|demand?gen|discovery|app"
_WEBMAIL = (
    "mail.google.com|mail.yahoo.*|*.mail.yahoo.com|outlook.*|mail.proton.me|com.google.android.gm|*.mail.ru|mail.*.*|webmail.*|"
    "deref-gmx.*|deref-web.*|deref-1und1.*|*.gmx.net|3c.gmx.net|navigator.web.de|*.safelinks.protection.outlook.com|"
    "safelinks.protection.outlook.com|urldefense.com|urldefense.proofpoint.com|*.mimecast.com|linkprotect.cudasvc.com"
)
_NON_BRAND = "*non?brand*|*nonbrand*|*no?brand*|*generic*"


def _ordered(*rules: Globs) -> tuple[Globs, ...]:
    return tuple(replace(rule, position=position) for position, rule in enumerate(rules, start=1))


# From the most deliberate tag to the weakest hint. "Brand" is asked after "non-brand", whose name contains
# it.
SHIPPED: tuple[Globs, ...] = _ordered(
    Globs(0, "retargeting", medium="*retarget*|*remarket*"),
    Globs(0, "retargeting", campaign="*retarget*|*remarket*"),
    Globs(0, "webinar", medium="*webinar*"),
    Globs(0, "events", medium="event|events|*trade?show*|conference|*qr*"),
    Globs(0, "partner", medium="*partner*|*reseller*|*affiliate*"),
    Globs(0, "email", medium="*email*|*e?mail*|newsletter|mail|drip|nurture|*sequence*|cadence"),
    Globs(0, "paid-social", medium="*paid?social*|*paidsocial*|*social?paid*|*social?ads*"),
    Globs(0, "paid-social", source=_SOCIAL, medium=_PAID),
    Globs(0, "paid-social", source=_SOCIAL_ADS),
    Globs(0, "display", medium="display|*banner*|programmatic|gdn|cpm|native|video?ads"),
    Globs(0, "paid-search", medium=_PAID, campaign=_NON_BRAND),
    Globs(0, "brand-search", source=_SEARCH, medium=_PAID, campaign="*brand*"),
    Globs(0, "paid-search", source=_SEARCH, medium=_PAID),
    Globs(0, "paid-search", source=_SEARCH, medium=_SEARCH_MEDIA),
    Globs(0, "paid-search", medium="cpc|ppc|sem|paid?search|paidsearch|search?ads"),
    Globs(0, "organic-social", medium="*social*|*community*"),
    Globs(0, "content", medium="content|blog|*whitepaper*|ebook|e-book|podcast|video|*content?syndication*"),
    Globs(0, "organic-search", medium="organic|organic?search|seo"),
    Globs(0, "email", source="*newsletter*|email|e-mail|hubspot?email|mailchimp|sendgrid|klaviyo"),
    Globs(0, "webinar", source="*webinar*"),
    Globs(0, "paid-search", source=_SEARCH_ADS),
    Globs(0, "referral", medium="referral|link"),
    Globs(0, "organic-social", source=_SOCIAL),
    Globs(0, "organic-search", source=_SEARCH),
    Globs(0, "other", medium="?*"),
    Globs(0, "direct", source="direct"),
    # A website that names itself as the source: chatgpt.com, a directory, a partner.
    Globs(0, "referral", source="?*.??*"),
    Globs(0, "other", source="?*"),
    Globs(0, "other", campaign="?*"),
    Globs(0, "email", referrer=_WEBMAIL),
    Globs(0, "organic-social", referrer=_SOCIAL),
    Globs(0, "organic-search", referrer=_SEARCH),
    Globs(0, "referral", referrer="?*"),
    Globs(0, "direct"),
)
