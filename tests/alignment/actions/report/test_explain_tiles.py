"""Why each key figure changed: parts add up to the change, as shown too; the deal that makes the week is named."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from alignment.actions.report.compose_report import TILES
from alignment.actions.report.render_report import render_email
from alignment.actions.report.restate import news_since, restate
from alignment.models import Restatement
from leads.models import Channel, Company, LifecyclePassage, User
from tests.alignment.factories import MONDAY, build_world, report
from tests.leads.factories import LeadFactory, OpportunityFactory
from tests.leads.figures import world

THIS, LAST = MONDAY - timedelta(days=3), MONDAY - timedelta(days=10)


def won(cents: int, at: Any, name: str = "Deal") -> None:
    OpportunityFactory(
        name=name,
        status="won",
        amount_cents=cents,
        reporting_cents=cents,
        opened_at=at - timedelta(days=30),
        closed_at=at,
    )


def change(made: Any, key: str) -> dict[str, Any]:
    return next(each for each in made.content["changes"] if each["entry"] == key)


def test_every_tile_says_what_changed_and_its_parts_add_up(company: Company) -> None:
    build_world()
    made = report()
    assert [each["entry"] for each in made.content["changes"]] == list(TILES)
    for each in made.content["changes"]:
        figures = made.content["figures"]
        values = figures[each["entry"]]["value"], figures[each["before"]]["value"]
        if None in values:
            assert each["parts"] is None, each["entry"]
            continue
        assert each["change"] == pytest.approx(values[0] - values[1]), each["entry"]
        assert sum(part["value"] for part in each["parts"]) == pytest.approx(each["change"]), each["entry"]
        shown = [float(re.sub(r"[^0-9.−]", "", text).replace("−", "-") or 0) for text in texts(each)]
        assert sum(shown[1:]) == pytest.approx(shown[0], abs=1e-6), each["entry"]


def texts(each: dict[str, Any]) -> list[str]:
    return [each["change_text"], *(part["text"] for part in each["parts"])]


def test_mqls_change_by_channel(company: Company) -> None:
    events, email = Channel.objects.all()[:2]
    for channel, at, number in ((events, THIS, 5), (events, LAST, 1), (email, LAST, 2)):
        for _ in range(number):
            world.passage(LeadFactory(captured_at=at, channel=channel), "mql", at)
    made = report()
    told = change(made, "leads.mqls")
    assert [(part["name"], part["value"]) for part in told["parts"]] == [(events.name, 4), (email.name, -2)]
    assert told["change_text"] == "+2"
    assert made.content["headline"]["sentence"] == (
        "MQLs rose by 67% to 5 from 3, outside normal variation: "
        f"{events.name} brought 4 more; {email.name} brought 2 fewer."
    )


def test_the_deal_that_makes_the_week_is_named(company: Company) -> None:
    won(15_419_900, THIS, "Umbrella renewal")
    won(2_000_000, THIS)
    won(3_000_000, THIS)
    won(4_000_000, LAST)
    made = report()
    row = change(made, "pipeline.won")["largest"]
    assert row["name"] == "Umbrella renewal"
    assert row["share"] == pytest.approx(15_419_900 / 20_419_900)
    sentence = made.content["headline"]["sentence"]
    assert "one deal, Umbrella renewal, is worth €154,199, 76% of it" in sentence.replace("\u00a0", " ")
    assert "because" not in sentence


def test_the_deal_of_last_week_is_named_when_it_is_gone(company: Company) -> None:
    won(15_000_000, LAST, "Umbrella renewal")
    won(1_000_000, LAST)
    won(1_000_000, THIS)
    won(900_000, THIS)
    row = change(report(), "pipeline.won")["largest"]
    assert row["name"] == "Umbrella renewal"
    assert not row["is_now"]


def test_no_deal_is_named_where_none_makes_the_week(company: Company) -> None:
    for cents in (1_000_000, 900_000, 800_000):
        won(cents, THIS)
    assert change(report(), "pipeline.won")["largest"] is None


def test_parts_are_restated_as_any_other_number(client: Client, director: User, company: Company) -> None:
    channel = Channel.objects.all()[0]
    passages = [world.passage(LeadFactory(captured_at=THIS, channel=channel), "mql", THIS) for _ in range(3)]
    made = report()
    LifecyclePassage.objects.filter(pk=passages[0].pk).delete()
    restate(at=MONDAY + timedelta(days=1))
    row = Restatement.objects.get(report=made, figure="change.leads.mqls")
    assert row.item == channel.name
    assert (row.published_value, row.current_value) == (3, 2)
    assert [told["entry"] for told in news_since(None, until=MONDAY + timedelta(days=2))] == ["leads.mqls"]
    client.force_login(director)
    page = " ".join(client.get(made.get_absolute_url()).content.decode().split())
    assert "1 part of changes against the week before was corrected with it." in page
    assert f"Change of MQLs: {channel.name}" not in page
    assert f"Change of MQLs: {channel.name}" in client.get(f"{made.get_absolute_url()}/restatements").content.decode()


def test_nothing_is_restated_where_nothing_changed(company: Company) -> None:
    build_world()
    report()
    assert restate(at=MONDAY + timedelta(hours=1)) == []


def test_page_email_and_workbook_tell_the_same(client: Client, director: User, company: Company) -> None:
    build_world()
    won(15_419_900, THIS, "Umbrella <renewal>")
    made = report()
    client.force_login(director)
    page = " ".join(client.get(made.get_absolute_url()).content.decode().split())
    _, text, html = render_email(report=made, company_name="Company")
    for each in made.content["changes"]:
        for part in each["parts"] or []:
            told = f"{part['name']} {part['text']}"
            assert told in text
            assert told in html
            assert told in " ".join(strip_tags(page).split())
    assert "Umbrella <renewal>" in text
    assert "Umbrella &lt;renewal&gt;" in page
    assert json.dumps(made.content)
