"""Opens and clicks that no person made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads.pure.capture.machines import Seen, ip_of, is_scanner, machines

SENT = datetime(2026, 11, 6, 10, 0, tzinfo=UTC)


def click(key: str, seconds: float, url: str = "https://engines.example/a", ip: str = "198.51.100.7") -> Seen:
    return Seen(key, "email_click", SENT + timedelta(seconds=seconds), url, ip)


def opened(key: str, seconds: float, ip: str = "198.51.100.7") -> Seen:
    return Seen(key, "email_open", SENT + timedelta(seconds=seconds), ip=ip)


def test_a_person_opens_and_clicks_some_time_after_the_delivery() -> None:
    assert machines([opened("o", 40), click("c", 55)], SENT) == {}


def test_what_comes_within_seconds_of_the_delivery_or_before_it_is_a_machines() -> None:
    assert machines([opened("o", 1), click("c", 4), click("before", -3), click("late", 5)], SENT).keys() == {
        "o", "c", "before",
    }  # fmt: skip


def test_every_link_at_once_is_a_machine_with_the_open_beside_it() -> None:
    burst = [click(f"c{n}", 600 + n, f"https://engines.example/{n}") for n in range(4)]
    person = [opened("o-person", 100), click("c-person", 130)]
    found = machines([opened("o", 598), *burst, *person], SENT)
    assert found.keys() == {"o", "c0", "c1", "c2", "c3"}


def test_two_links_in_tabs_or_one_link_many_times_is_a_person() -> None:
    tabs = [click(f"c{n}", 600 + n, f"https://engines.example/{n}") for n in range(2)]
    again = [click(f"d{n}", 900 + n) for n in range(5)]
    slow = [click(f"e{n}", 2000 + 4 * n, f"https://engines.example/{n}") for n in range(4)]
    assert machines([*tabs, *again, *slow], SENT) == {}


def test_scanners_are_known_by_their_network_whenever_they_come() -> None:
    assert machines([click("c", 9000, ip="104.47.5.5"), opened("o", 9000)], None).keys() == {"c"}


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("40.94.1.1", False),
        ("40.92.1.1", True),
        ("2a01:111:f400::9", True),
        ("192.0.2.1", False),
        ("", False),
        ("x", False),
    ],
)
def test_networks(ip: str, expected: bool) -> None:
    assert is_scanner(ip) is expected


@pytest.mark.parametrize(
    "event",
    [
        {"event": "click", "ip": "192.0.2.5"},  # SendGrid, Mailgun, Mandrill
        {"msys": {"track_event": {"type": "click", "ip_address": "192.0.2.5"}}},  # SparkPost
        {"RecordType": "Open", "Geo": {"IP": "192.0.2.5", "Country": "Germany"}},  # Postmark
        {"type": "activity.clicked", "data": {"type": "clicked", "ip": "192.0.2.5"}},  # MailerSend
    ],
)
def test_services_write_the_network_address_in_their_own_way(event: dict[str, object]) -> None:
    assert ip_of(event) == "192.0.2.5"


def test_no_address_is_none() -> None:
    assert ip_of({"event": "open"}) == ""
