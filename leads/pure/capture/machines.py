"""Opens and clicks that no person made, told by when they happened, where from, and how many there were at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from leads.pure.capture.bots import FASTEST_CLICK, FASTEST_OPEN, MAIL_SCANNER

# People who open links in tabs need longer, or open fewer.
AT_ONCE = timedelta(seconds=5)
LINKS_AT_ONCE = 3
# What mail security services publish as theirs.
_NETWORKS = tuple(
    ip_network(text)
    for text in (
        # Microsoft 365: Exchange Online Protection and Safe Links
        "40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "52.238.78.88/32", "104.47.0.0/17", "2a01:111:f400::/48",
        # Proofpoint
        "67.231.144.0/20", "148.163.128.0/19", "185.132.180.0/22", "185.183.28.0/22",
        # Barracuda
        "64.235.144.0/20", "209.222.80.0/21",
        # Mimecast
        "205.139.110.0/24", "207.211.30.0/24", "207.211.31.0/25", "216.205.24.0/24", "170.10.128.0/21",
        # Cisco
        "68.232.128.0/19", "216.71.128.0/19", "139.138.32.0/19",
    )
)  # fmt: skip
_ADDRESSES = ("ip", "ip_address", "client_ip", "IP")


@dataclass(frozen=True, slots=True)
class Seen:
    """An open or a click of one mail by one address. ``key`` tells it from all others; ``ip`` may be empty."""

    key: str
    kind: str
    at: datetime
    url: str = ""
    ip: str = ""


def machines(seen: Sequence[Seen], delivered_at: datetime | None) -> dict[str, str]:
    """Keys of what machines made, each with its reason, of all that is known of one mail to one address.

    A machine is what comes from a scanner's network, what comes within seconds of the delivery (or before it), and
    clicks on several links at once, with the opens beside them.
    """
    found = {each.key: MAIL_SCANNER for each in seen if is_scanner(each.ip) or _is_too_fast(each, delivered_at)}
    clicks = sorted((each for each in seen if each.kind == "email_click"), key=lambda each: each.at)
    for first in clicks:
        near = [each for each in clicks if first.at <= each.at <= first.at + AT_ONCE]
        if len({each.url for each in near}) >= LINKS_AT_ONCE:
            begun, ended = first.at - AT_ONCE, near[-1].at + AT_ONCE
            found |= {each.key: MAIL_SCANNER for each in near}
            found |= {
                each.key: MAIL_SCANNER for each in seen if each.kind == "email_open" and begun <= each.at <= ended
            }
    return found


def _is_too_fast(each: Seen, delivered_at: datetime | None) -> bool:
    fastest = FASTEST_CLICK if each.kind == "email_click" else FASTEST_OPEN
    return delivered_at is not None and (each.at - delivered_at).total_seconds() < fastest


@lru_cache(maxsize=4096)
def is_scanner(ip: str) -> bool:
    """Whether an address belongs to a mail security service."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in _NETWORKS)


def ip_of(event: Mapping[str, Any]) -> str:
    """Where an open or a click came from, wherever in its event a service writes that; empty if nowhere."""
    waiting: list[Any] = [event]
    for _ in range(20):
        if not waiting:
            break
        one = waiting.pop(0)
        for name in _ADDRESSES:
            if isinstance(one.get(name), str) and one[name]:
                return str(one[name])[:45]
        waiting += [inner for inner in one.values() if isinstance(inner, Mapping)]
    return ""
