"""The attribution page: everything asked stands in the address, and the table adds up."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attribution.models import CustomMethod
from attribution.queries.rules import methods
from leads.models import Opportunity, User
from tests.attribution.factories import company_with_deals, cost, run
from tests.leads.factories import CampaignFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
PAGE = "/attribution?method=linear&basis=simple&scope=contacts&from=2026-09-01&to=2026-11-15"


@pytest.fixture
def made() -> dict[str, Any]:
    made = company_with_deals()
    run()
    return made


@pytest.fixture
def signed_in(client: Client, director: User) -> Client:
    client.force_login(director)
    return client


def page(client: Client, url: str = PAGE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_defaults_go_into_the_address(signed_in: Client, made: dict[str, Any]) -> None:
    answer = signed_in.get("/attribution?view=methods")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.status_code == 302
    assert set(query) == {"method", "basis", "scope", "from", "to", "view"}
    assert (query["method"], query["basis"]) == (["linear"], ["simple"])
    assert signed_in.get(answer.headers["Location"]).status_code == 200


def test_the_table_reconciles_with_closed_won_revenue(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in)
    assert "Reconciles with closed-won revenue" in text
    assert "€4,111.11" in text
    assert "Search programme" in text
    assert "Unattributed" in text
    assert text.index('class="row-muted"') > text.index("Search programme")
    assert "no cost reported" in text  # the mail campaign


def test_a_change_after_the_last_run_is_admitted(signed_in: Client, made: dict[str, Any]) -> None:
    Opportunity.objects.filter(pk=made["won"].pk).update(reporting_cents=100_101)
    assert "the table is €1.00 off" in page(signed_in)


def test_realised_says_what_it_means(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in, PAGE.replace("simple", "realised"))
    assert "Recent weeks look bad by touchpoint date" in text
    assert "Reconciles with closed-won revenue" in text
    assert "Touchpoints of other periods" in text


def test_methods_side_by_side_flag_a_flipping_verdict(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in, f"{PAGE}&view=methods&level=campaigns")
    for method in methods():
        assert method.name in text
    assert "depends on the model" in text  # last touch gives the search campaign nothing, first touch a lot
    assert "Who gets the credit, by model" in text
    assert text.index("chart-shares") < text.index("methods-table")
    one = page(signed_in, f"{PAGE}&level=campaigns")
    assert "Depends on the model:" in one
    assert "-100% to ".replace("-", "−") in one
    assert "% by model" in one
    cost(made["search"], 100_000_000, at=11)  # now no method says that it paid
    assert text.count("depends on the model") > page(signed_in, f"{PAGE}&view=methods&level=campaigns").count(
        "depends on the model"
    )


def test_nothing_warns_of_a_flip_where_none_is(signed_in: Client, made: dict[str, Any]) -> None:
    for name in ("search", "social"):
        cost(made[name], 100_000_000, at=11)
    for view in ("", "&view=methods"):
        assert "depends on the model" not in page(signed_in, PAGE + view).lower()


def test_sorting_puts_unknown_last(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in, f"{PAGE}&sort=cost")
    names = [
        text.index(f'<th scope="row" class="tree-0 wide">{name}') for name in ("Paid search", "Paid social", "Email")
    ]
    assert names == sorted(names)
    assert page(signed_in, f"{PAGE}&sort=nonsense")


def test_what_does_not_exist_is_refused_by_name(signed_in: Client, made: dict[str, Any]) -> None:
    for query, name in (
        ("method=magic", "Model"),
        ("basis=x", "Date by"),
        ("from=2026-13-01", "From"),
        ("scope=account", "Include touchpoints of"),
    ):
        key, value = query.split("=")
        parts = {**{k: v[0] for k, v in parse_qs(urlsplit(PAGE).query).items()}, key: value}
        answer = signed_in.get("/attribution", parts)
        assert answer.status_code == 400
        assert f"<strong>{name}</strong>" in answer.content.decode()


def test_the_table_opens_level_by_level(signed_in: Client, made: dict[str, Any]) -> None:
    row = f"/attribution/campaigns/{made['search'].public_id}"
    assert row not in page(signed_in, f"{PAGE}&level=channels").split("campaign-chart-title")[0]
    assert row not in page(signed_in).split("campaign-chart-title")[0]
    assert row in page(signed_in, f"{PAGE}&level=campaigns")
    assert str(made["social"].public_id) in page(signed_in)  # without a programme, so on its level


def test_exports_hold_the_same_numbers_and_no_formulas(signed_in: Client, made: dict[str, Any]) -> None:
    made["search"].name = "=HYPERLINK(1)"
    made["search"].save(update_fields=["name"])
    text = signed_in.get(f"{PAGE}&export=csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(StringIO(text)))
    assert lines[-1]["Name"] == "Closed-won revenue"
    assert lines[-1]["Revenue, Linear"] == "4111.11"
    assert not any(line["Name"].startswith("=") for line in lines)
    book = openpyxl.load_workbook(BytesIO(signed_in.get(f"{PAGE}&export=xlsx").content))
    rows = list(book["Attribution"].iter_rows(values_only=True))
    assert len(rows) == len(lines) + 1
    assert rows[-1][rows[0].index("Revenue, Linear")] == 4111.11


def test_a_method_of_the_company_s_own_is_shown_until_it_is_switched_off(
    signed_in: Client, made: dict[str, Any]
) -> None:
    own = CustomMethod.objects.create(slug="ours", name="Our own mix", first_touch=60, others=40)
    assert "Our own mix" in page(signed_in, f"{PAGE}&view=methods")
    assert page(signed_in, PAGE.replace("linear", "custom-ours"))
    CustomMethod.objects.filter(pk=own.pk).update(is_active=False)
    assert "Our own mix" not in page(signed_in, f"{PAGE}&view=methods")
    assert signed_in.get(PAGE.replace("linear", "custom-ours")).status_code == 400


def test_touches_without_a_campaign_open_to_their_rows(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in, f"{PAGE}&level=campaigns")
    assert "campaign=none" in text
    rows = page(signed_in, "/figures/attribution.revenue?campaign=none&method=linear&from=2026-09-01&to=2026-11-15")
    assert "None: touchpoints outside any campaign" in rows
    assert made["won"].name in rows


def test_three_tests_of_sourced_stand_side_by_side(signed_in: Client, made: dict[str, Any]) -> None:
    text = page(signed_in, "/attribution/sourced?from=2026-09-01&to=2026-11-15")
    assert text.count("would say") == 2
    assert "the company's test" in text
    assert "Not locked" in text
    assert "pipeline.sourced.lead_creation" in text
    assert "4 or more" in text


def test_before_the_first_run_the_page_says_so(signed_in: Client) -> None:
    assert "Nothing computed yet" in page(signed_in)


def test_reps_do_not_see_it(client: Client, rep: User, made: dict[str, Any]) -> None:
    client.force_login(rep)
    for url in (
        PAGE,
        "/attribution/runs",
        "/attribution/sourced",
        f"/attribution/campaigns/{made['search'].public_id}",
    ):
        assert client.get(url).status_code == 404


def test_queries_do_not_grow_with_the_data(signed_in: Client, made: dict[str, Any]) -> None:
    def queries(url: str) -> int:
        signed_in.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert signed_in.get(url).status_code == 200
        return len(seen)

    urls = (PAGE, f"{PAGE}&view=methods", f"/attribution/campaigns/{made['programme'].public_id}")
    few = [queries(url) for url in urls]
    for _ in range(3):
        company_with_deals()
        CampaignFactory(parent=made["programme"])
    run()
    assert [queries(url) for url in urls] == few
    assert max(few) <= 40
