"""A rep's day: sections, the round from lead to lead, and what is logged on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from leads.models import Activity, Company, FollowUp, Lead, User
from leads.queries.my_day import IDLE, LATER, NEW, OVERDUE, TODAY, day_of, following, sections
from tests.leads.factories import LeadFactory, UserFactory

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday, 9 o'clock in Berlin


def promise(lead: Lead, due_in: timedelta) -> FollowUp:
    return FollowUp.objects.create(
        lead=lead, owner=lead.owner, because="asked to call", planned_at=NOW - timedelta(days=2), due_at=NOW + due_in
    )


def test_the_day_is_in_the_order_to_take_it(company: Company, rep: User) -> None:
    made = {name: LeadFactory(owner=rep, stage="sal") for name in ("later", "idle", "today", "late")}
    mql, plain = LeadFactory(owner=rep, stage="mql"), LeadFactory(owner=rep, stage="lead")
    LeadFactory(owner=UserFactory(), stage="mql")
    promise(made["later"], timedelta(days=1))
    promise(made["today"], timedelta(hours=14))  # 23:00 in Berlin
    promise(made["late"], -timedelta(hours=1))
    rows = day_of(rep, NOW, company)
    assert list(rows) == [made["late"], mql, made["today"], made["idle"], made["later"]]
    assert [(each.key, each.count) for each in sections(rows, 5)] == [
        (OVERDUE, 1), (NEW, 1), (TODAY, 1), (IDLE, 1), (LATER, 1),
    ]  # fmt: skip
    assert plain not in rows


def test_after_the_last_the_first_follows_and_nobody_after_the_only_one() -> None:
    left = [(1, "a"), (2, "b"), (3, "c")]
    assert following(left, 1) == "b"  # type: ignore[arg-type]
    assert following(left, 3) == "a"  # type: ignore[arg-type]
    assert following(left, 9) == "a"  # type: ignore[arg-type]
    assert following([(1, "a")], 1) is None  # type: ignore[list-item]


def day(url: str) -> str:
    return parse_qs(urlsplit(url).query)["day"][0]


def test_a_decision_opens_the_next_lead_and_says_how_many_are_left(client: Client, company: Company, rep: User) -> None:
    for score in (30, 20, 10):
        LeadFactory(owner=rep, stage="mql", score=score)
    first, second, third = Lead.objects.order_by("-score")
    client.force_login(rep)
    with time_machine.travel(NOW, tick=False):
        page = client.get(reverse("leads:my-day"))
        start = page.context["start_url"]
        assert start.startswith(first.get_absolute_url())
        answer = client.post(reverse("leads:lead-accept", args=[first.public_id]), {"day": day(start)})
        assert answer.url == f"{second.get_absolute_url()}?day={day(start)}"
        shown = client.get(answer.url).content.decode()
        assert "is accepted. 2 left." in shown
        reject = reverse("leads:lead-reject", args=[second.public_id])
        answer = client.post(reject, {"day": day(start), "reason": "no_need"})
        assert answer.url.startswith(third.get_absolute_url())
        answer = client.post(reverse("leads:lead-accept", args=[third.public_id]), {"day": day(start)})
        assert answer.url == reverse("leads:my-day")
        assert "That was the last one." in client.get(answer.url).content.decode()
    stages = Lead.objects.order_by("-score").values_list("stage", flat=True)
    assert list(stages) == ["sal", "recycled", "sal"]


def test_skipping_changes_nothing(client: Client, company: Company, rep: User) -> None:
    for score in (30, 20):
        LeadFactory(owner=rep, stage="mql", score=score)
    first, second = Lead.objects.order_by("-score")
    client.force_login(rep)
    with time_machine.travel(NOW, tick=False):
        token = day(client.get(reverse("leads:my-day")).context["start_url"])
        skip = client.get(reverse("leads:my-day-next"), {"after": str(first.public_id), "day": token})
        assert skip.url == f"{second.get_absolute_url()}?day={token}"
        again = client.get(reverse("leads:my-day-next"), {"after": str(second.public_id), "day": token})
        assert again.url == f"{first.get_absolute_url()}?day={token}"
    assert set(Lead.objects.values_list("stage", flat=True)) == {"mql"}


@pytest.mark.parametrize("token", ["", "x", "1", "99999999999", "²"])
def test_a_round_that_is_none_ends_at_the_lead(client: Client, company: Company, rep: User, token: str) -> None:
    lead = LeadFactory(owner=rep, stage="mql")
    LeadFactory(owner=rep, stage="mql")
    client.force_login(rep)
    answer = client.post(reverse("leads:lead-accept", args=[lead.public_id]), {"day": token})
    assert answer.url == lead.get_absolute_url()


def test_a_call_is_logged_and_the_next_one_planned_at_opening(client: Client, company: Company, rep: User) -> None:
    lead = LeadFactory(owner=rep, stage="sal", phone="+49 (30) 12-34", email="ada@example.com")
    client.force_login(rep)
    with time_machine.travel(NOW, tick=False):
        page = client.get(lead.get_absolute_url()).content.decode()
        assert 'href="tel:+49301234"' in page
        assert 'href="mailto:ada@example.com"' in page
        url = reverse("leads:lead-log", args=[lead.public_id])
        refused = client.post(url, {"kind": "call", "outcome": ""})
        assert refused.status_code == 422
        assert "how the contact went" in refused.content.decode()
        given = {"kind": "call", "outcome": "reached", "note": "Trial", "next_kind": "call", "next_in": "5"}
        assert client.post(url, given).status_code == 422  # no such choice
        answer = client.post(url, {**given, "next_in": "1", "occurred_at": "2026-11-20T17:00"})
        assert answer.status_code == 302
    activity = Activity.objects.get()
    assert activity.occurred_at == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert FollowUp.objects.open().get().due_at == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert "Call: reached" in client.get(lead.get_absolute_url()).content.decode()


def test_reps_come_home_to_their_day(client: Client, rep: User) -> None:
    client.force_login(rep)
    assert client.get("/").headers["Location"] == reverse("leads:my-day")
    assert "All done" in client.get(reverse("leads:my-day")).content.decode()
