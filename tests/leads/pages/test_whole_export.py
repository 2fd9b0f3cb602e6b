"""A whole export of another system through the pages: 8,800 deals and their accounts, figures against the files.

The files are made up from a seed, and their figures are worked out here by nothing but csv and datetime.
"""

from __future__ import annotations

import csv
import io
import random
import time
import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import leads.figures  # noqa: F401 - registers what is asked for below
from leads.figures.base import Scope, figure
from leads.models import Account, Company, ImportRun, Opportunity, User
from leads.pure.week import Period
from leads.tasks import sweep_imports
from tests.leads.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
BERLIN = ZoneInfo("Europe/Berlin")
DEALS, PEOPLE, COMPANIES = 8_800, 30, 85
COUNTRIES = {
    "United States": "US", "Germany": "DE", "Deutschland": "DE", "United Kingdom": "GB", "Korea": "KR", "Brazil": "BR",
    "Kenya": "KE", "Philippines": "PH", "Japan": "JP", "Italy": "IT", "Norway": "NO", "Poland": "PL", "Jordan": "JO",
}  # fmt: skip
STAGES = {"Prospecting": "qualification", "Engaging": "discovery"}
PRODUCTS = ("GTX Basic", "GTX Pro", "MG Special")


def company_name(number: int) -> str:
    first, second = ("Acme", "Betatech", "Cancity", "Dalt", "Ganja"), ("Pro", "Group", "Labs")
    return f"{first[number % 5]} {second[number % 3]} {number}"


def account_file() -> str:
    rows = [["account", "sector", "employees", "office_location"]]
    names = list(COUNTRIES)
    for number in range(COMPANIES):
        size = f"{number * 37 + 9:,}"
        rows.append([company_name(number), "retail", size, names[number % len(names)]])
    return written(rows, ",")


def deal_file() -> str:
    """Deals with day-first dates, German amounts on four fifths, names of people and companies, own stages."""
    chance = random.Random(8_800)
    rows = [
        [
            "opportunity_id",
            "sales_agent",
            "product",
            "account",
            "deal_stage",
            "engage_date",
            "close_date",
            "close_value",
        ]
    ]
    for number in range(DEALS):
        stage = chance.choices(["Prospecting", "Engaging", "Won", "Lost"], [6, 18, 48, 28])[0]
        opened = date(2024, 1, 1) + timedelta(days=chance.randrange(900))
        closed = opened + timedelta(days=chance.randrange(140))
        amount = chance.randrange(5_000, 3_000_000)
        is_known = number % 5 != 0
        company = company_name(chance.randrange(COMPANIES))
        rows.append(
            [
                f"OP-{number:05d}",
                f"Agent {chance.randrange(PEOPLE):02d}",
                chance.choice(PRODUCTS),
                company.replace(" ", "").upper() if number % 9 == 0 else "" if number % 7 == 0 else company,
                stage,
                "" if stage == "Prospecting" else f"{opened:%d/%m/%Y}",
                f"{closed:%d/%m/%Y}" if stage in ("Won", "Lost") else "",
                german(amount) if is_known and stage == "Won" else "",
            ]
        )
    return written(rows, ";")


def german(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02d}"


def written(rows: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def through_the_pages(client: Client, kind: str, text: str, more: Mapping[str, str]) -> ImportRun:
    """Upload, take every proposal but for what ``more`` answers, look at the preview, start; each step once."""
    file = SimpleUploadedFile(f"{kind}.csv", text.encode("cp1252"), content_type="text/csv")
    mapping = client.post(reverse("leads:imports"), {"kind": kind, "file": file}).url
    form = client.get(mapping).context["form"]
    proposed = {name: field.initial for name, field in form.fields.items() if field.initial not in (None, "", False)}
    answer = client.post(mapping, {**proposed, **more})
    assert answer.status_code == 302, answer.context["form"].errors
    assert sweep_imports() == 1
    run = ImportRun.objects.defer("content").order_by("pk").last()
    assert run is not None
    assert run.rows_rejected == 0, list(run.row_errors.values_list("line", "error")[:5])
    client.post(reverse("leads:import-start", args=[run.public_id]))
    assert sweep_imports() == 1
    run.refresh_from_db()
    return run


@pytest.fixture
def client(company: Company, director: User) -> Client:
    client = Client()
    client.force_login(director)
    return client


def midnight(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=BERLIN).astimezone(UTC)


def cents(text: str) -> int:
    return int(text.replace(".", "").replace(",", ""))


def test_8800_deals_and_their_accounts_come_in_whole(client: Client) -> None:
    people = [UserFactory(name=f"Agent {number:02d}", password="!") for number in range(PEOPLE)]
    began, worked = time.monotonic(), time.process_time()
    accounts = through_the_pages(client, "accounts", account_file(), {})
    assert (accounts.rows_created, accounts.rows_rejected) == (COMPANIES, 0)
    deals = through_the_pages(client, "opportunities", deal_file(), {"opened": "dates"})
    assert (deals.rows_created, deals.rows_rejected) == (DEALS, 0)
    seconds, busy = time.monotonic() - began, time.process_time() - worked
    warnings.warn(f"{DEALS:,} deals, tried and imported: {seconds:.0f} s, {busy:.0f} s of processor", stacklevel=1)
    assert busy < 60
    assert deals.defaults["dates"] == "dmy"
    assert deals.defaults["decimal"] == ","
    assert deals.defaults["stages"] == {**STAGES, "Won": "won", "Lost": "lost"}

    by_country = dict(Account.objects.values_list("name", "country"))
    names = list(COUNTRIES)
    assert by_country == {company_name(number): COUNTRIES[names[number % len(names)]] for number in range(COMPANIES)}
    assert Account.objects.get(name=company_name(84)).company_size == 84 * 37 + 9

    rows = list(csv.DictReader(io.StringIO(deal_file()), delimiter=";"))
    wanted = {row["opportunity_id"]: row for row in rows}
    stored = Opportunity.objects.values_list("external_id", "owner__name", "account__name", "attributes", "stage__key")
    for key, owner, account, attributes, stage in stored:
        row = wanted[key]
        assert owner == row["sales_agent"]
        assert (account or "").replace(" ", "").upper() == row["account"].replace(" ", "").upper()
        assert attributes == {"product": row["product"], "sales_agent": row["sales_agent"]}
        assert stage == deals.defaults["stages"][row["deal_stage"]]
    engaging = next(row for row in rows if row["deal_stage"] == "Engaging")
    assert Opportunity.objects.get(external_id=engaging["opportunity_id"]).stage_changed_at == midnight(
        engaging["engage_date"]
    )

    check_figures(rows, people)


def check_figures(rows: list[dict[str, str]], people: list[User]) -> None:
    at = datetime.now(UTC)
    period = Period(datetime(2023, 12, 31, tzinfo=UTC), at + timedelta(days=1))
    scope = Scope(period=period, at=at, tz=BERLIN, currency="EUR")
    won = [row for row in rows if row["deal_stage"] == "Won"]
    lost = [row for row in rows if row["deal_stage"] == "Lost"]
    open_ones = len(rows) - len(won) - len(lost)
    rate = len(won) / (len(won) + len(lost))
    assert figure("pipeline.win_rate", scope).value == rate

    priced = [cents(row["close_value"]) for row in won if row["close_value"]]
    assert len(won) * 0.75 < len(priced) < len(won) * 0.85
    days = median((midnight(row["close_date"]) - midnight(row["engage_date"])).total_seconds() / 86_400 for row in won)
    velocity = open_ones * rate * round(fmean(priced)) / days
    assert figure("pipeline.velocity", scope).value == round(velocity)

    revenue: dict[str, int] = defaultdict(int)
    for row in won:
        revenue[row["sales_agent"]] += cents(row["close_value"]) if row["close_value"] else 0
    assert figure("pipeline.won", scope).value == sum(revenue.values())
    by = {person.name: replace(scope, owner=str(person.public_id)) for person in people}
    shown = {name: figure("pipeline.won", each).value for name, each in by.items()}
    assert shown == dict(revenue)
