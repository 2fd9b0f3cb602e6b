"""Touches nobody made: bots, mail scanners, prefetching mail apps and our own people. They are kept, worth no
points."""

from __future__ import annotations

import re

from leads.pure.capture.captured import OPT_OUTS

INTERNAL = "internal"
BOT = "bot"
MAIL_SCANNER = "mail_scanner"
PREFETCH = "prefetch"
OPT_OUT = "opt_out"
AUTO_REPLY = "auto_reply"
REASONS = {
    INTERNAL: "one of our own people",
    BOT: "a bot, not a person",
    MAIL_SCANNER: "a mail scanner that follows every link",
    PREFETCH: "a mail app that loads pictures before anybody reads",
    OPT_OUT: "the person wants no more mail, or the address takes none",
    AUTO_REPLY: "an automatic reply, such as an absence note",
}

# Security gateways open mails and follow links within moments of delivery; people do not.
FASTEST_OPEN = 2.0
FASTEST_CLICK = 5.0

_MAIL_KINDS = frozenset(["email_open", "email_click"])
_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|ironport|symantec|messagelabs|fireeye|trendmicro|sophos|forcepoint|zscaler|"
    r"safelinks|microsoft ?defender|msexchange|bitdefender|fortinet|fortimail|cloudmark|urldefense|"
    r"hornetsecurity|checkpoint|avanan|trustwave|vadesecure|abnormal",
    re.IGNORECASE,
)
_BOTS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|puppeteer|playwright|selenium|lighthouse|pingdom|"
    r"uptimerobot|statuscake|gtmetrix|facebookexternalhit|facebookcatalog|whatsapp/|skypeuripreview|embedly|"
    r"bingpreview|google-read-aloud|google-inspectiontool|mediapartners-google|feedfetcher|semrush|ahrefs|"
    r"screaming frog|archive\.org|ia_archiver|nessus|nmap|zgrab|masscan|scrapy|dataprovider|"
    r"gptbot|claudebot|ccbot|perplexity|bytespider",
    re.IGNORECASE,
)
_PROGRAMS = re.compile(
    r"^(?:curl|wget|python|aiohttp|httpx|go-http|java/|okhttp|axios|node|ruby|perl|libwww|php|guzzle|apache-http|"
    r"postman|insomnia)",
    re.IGNORECASE,
)
# Apple's mail privacy protection announces itself with nothing but this.
_PREFETCH_AGENTS = frozenset(["Mozilla/5.0"])


# Somebody of ours entered the person, in the CRM or here: that is no contact by the person.
OWN_RECORDS = frozenset(["crm_record", "portal_record"])


def touch_exclusion(
    user_agent: str, kind: str, seconds_since_send: float | None = None, is_internal: bool = False
) -> str:
    """Why a touch must not count: a key of REASONS, or "" if a person seems to have made it.

    `kind` is the event type; `seconds_since_send` is for mail events, None if unknown. HTTP libraries count
    as bots only where a browser or mail app must be at work: forms are also posted by servers on behalf of
    people. Gmail's image proxy is no reason: it loads when the person opens.
    """
    if is_internal or kind in OWN_RECORDS:
        return INTERNAL
    if kind in OPT_OUTS:
        return OPT_OUT
    agent = user_agent.strip()[:1000]
    if _SCANNERS.search(agent):
        return MAIL_SCANNER
    if _BOTS.search(agent):
        return BOT
    if kind in _MAIL_KINDS or kind == "page_view":
        if _PROGRAMS.search(agent):
            return BOT if kind == "page_view" else MAIL_SCANNER
        if kind == "email_open" and agent in _PREFETCH_AGENTS:
            return PREFETCH
    if kind in _MAIL_KINDS and seconds_since_send is not None:
        fastest = FASTEST_CLICK if kind == "email_click" else FASTEST_OPEN
        if seconds_since_send < fastest:
            return MAIL_SCANNER
    return ""
