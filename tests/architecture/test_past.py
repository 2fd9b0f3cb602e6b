"""Asked as of a past moment: every page and every figure, for every role, from tables that have a past and inside the
span alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from leads.figures.base import Scope, figure, keys
from leads.forms.as_of import exact
from leads.models import ApiKey, Company
from leads.models import Scope as KeyScope
from leads.past.registry import computed_tables, dated_tables, facts
from leads.past.span import known_at, moment
from leads.pure.week import Period
from leads.views.past import takes_as_of
from tests.architecture.conftest import ROLES, World
from tests.architecture.test_access import LETTERS, OWN, PAGES

# Pages of the present alone, each with the reason. Every other page takes as_of.
PRESENT = {
    "search": "finds what is there now",
    "first-run": "leads up to changes",
    "leads:company-settings": "leads up to a change",
    "leads:people": "leads up to a change",
    "alignment:report-settings": "leads up to a change",
    "leads:lead-merge": "leads up to a change",
    "leads:lead-merge-with": "leads up to a change",
    "leads:imports": "work, no figures",
    "leads:web-forms": "work, counts of what was sent so far",
    "leads:web-form": "work, counts of what was sent so far",
    "leads:web-form-add": "leads up to a change",
    "leads:web-form-edit": "leads up to a change",
    "leads:web-form-preview": "what visitors would see now",
    "leads:tracked-sites": "settings",
    "leads:tracked-site-add": "leads up to a change",
    "leads:tracked-site": "leads up to a change",
    "leads:notifications": "a person's own messages",
    "integrations:webhook-endpoints": "settings",
    "integrations:webhook-endpoint": "a log of work",
    "integrations:webhook-endpoint-add": "leads up to a change",
    "integrations:webhook-endpoint-edit": "leads up to a change",
    "integrations:webhook-delivery": "a log of work",
    "leads:notification-preferences": "leads up to a change",
    "leads:campaign-members": "who is in it by now, and by today's word of what a response is",
    "leads:workflows": "work, counts of what was done so far",
    "leads:workflow-add": "leads up to a change",
    "leads:workflow-mails": "work that waits for a person",
    "leads:workflow": "work, counts of what was done so far",
    "leads:workflow-log": "a log of work",
    "leads:workflow-arms": "a log whose rows never change",
    "leads:enrollment": "a log of work",
    "leads:workflow-version": "leads up to a change",
    "leads:workflow-test": "tries steps on a lead of now",
    "leads:workflow-definition": "leads up to a change",
    "leads:workflow-step-add": "leads up to a change",
    "leads:workflow-step": "leads up to a change",
    "leads:scoring": "leads up to changes",
    "leads:scoring-version": "leads up to a change",
    "leads:scoring-limits": "leads up to a change",
    "leads:scoring-rule-add": "leads up to a change",
    "leads:scoring-rule": "leads up to a change",
    "leads:scoring-back-test": "a measurement with a date of its own, which never changes",
    "leads:bulk-run": "a log of work",
    "leads:lead-add": "leads up to a change",
    "leads:duplicates": "work of now",
    "leads:lead-identity": "tells of merges and submissions as they stand",
    "leads:lead-edit": "leads up to a change",
    "leads:lead-qualify": "leads up to a change",
    "leads:my-day": "work of today",
    "leads:my-day-next": "leads up to a decision",
    "leads:opportunity-add": "leads up to a change",
    "leads:opportunity-edit": "leads up to a change",
    "leads:person-deactivate": "leads up to a change",
    "leads:qualification-settings": "leads up to a change",
    "leads:rep-schedule": "leads up to a change",
    "leads:reps": "who is at work now",
    "leads:routing-fairness": "a log of assignments",
    "leads:routing-simulation": "a measurement with a date of its own, which never changes",
    "leads:routing-test": "tries the rules of now",
    "leads:stranded": "work to be handed over now",
    "leads:territories": "leads up to changes",
    "leads:territory-rule": "leads up to a change",
    "leads:territory-rule-add": "leads up to a change",
    "leads:territory-version": "a version never changes",
    "leads:transfer": "leads up to a change",
    "leads:transfers": "a log of work",
    "leads:channel-rule-add": "leads up to a change",
    "leads:channel-rule": "leads up to a change",
    "leads:channel-rules-take-back": "leads up to a change",
    "attribution:runs": "a log of work",
    "attribution:run": "a log of work",
    "attribution:method-add": "leads up to a change",
    "attribution:method-edit": "leads up to a change",
    "attribution:accuracy": "measurements with dates of their own, which never change",
    "attribution:simulator": "made-up markets",
    "attribution:agreement": "leads up to an answer",
    "attribution:agreement-check": "leads up to an answer",
    "alignment:weekly-report-latest": "frozen",
    "alignment:weekly-report-list": "frozen",
    "alignment:weekly-report": "frozen",
    "alignment:report-figure": "frozen",
    "alignment:report-restatements": "compares what is frozen with now",
    "leads:history": "tells of every moment itself",
}
PAST = sorted(name for name in PAGES if name not in PRESENT and not name.startswith("integrations:"))
# Of the doors decided elsewhere: whether they take as_of.
API = {
    "api-attribution-list": lambda world: [],
    "api-opportunity-attribution": lambda world: [world.other_deal.public_id],
    "api-attribution": lambda world: [world.campaign.public_id],
    "performance": lambda world: [],
    "api-leads": lambda world: [],
    "api-opportunities": lambda world: [],
    "api-opportunity": lambda world: [world.other_deal.public_id],
    "api-accounts": lambda world: [],
    "api-campaigns": lambda world: [],
    "api-campaign": lambda world: [world.campaign.public_id],
    "api-touchpoints": lambda world: [],
    "api-territories": lambda world: [],
    "api-owners": lambda world: [],
    "api-figures": lambda world: [],
    "api-figure": lambda world: ["pipeline.won"],
    "api-figure-rows": lambda world: ["pipeline.won"],
    "api-recommendations": lambda world: [],
    "api-integration-points": lambda world: [],
    "api-lead": lambda world: [world.other_lead.public_id],
    "api-campaign-costs": lambda world: [world.campaign.public_id],
    "api-campaign-cost-history": lambda world: [world.campaign.public_id],
}
# Says for which moments credits have been computed, which is no fact.
BOOKKEEPING = {"attribution_pastmoment"}
# Read before the span: who asks, in which time zone days end, which moments there are.
OUTSIDE = {"leads_user", "leads_company", "leads_change", "leads_apikey"}
TABLE = re.compile(r'(?:FROM|JOIN)\s+"?(?:main"?\.")?([a-z_]+)"?')


@dataclass
class Reading:
    """Tables read, inside a span and outside."""

    inside: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        (self.inside if moment() else self.outside).update(TABLE.findall(str(sql)))
        return execute(sql, params, many, context)


@contextmanager
def reading() -> Iterator[Reading]:
    found = Reading()
    with connection.execute_wrapper(found):
        yield found


def ours() -> set[str]:
    """The tables of our models, the hidden ones of many to many among them."""
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ("leads", "attribution", "alignment", "integrations")
    }


def with_a_past() -> set[str]:
    computed = {name for result in computed_tables() for name in (result.table, result.kept)}
    return {fact.table for fact in facts()} | {table.table for table in dated_tables()} | computed | BOOKKEEPING


def sign_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


@pytest.fixture
def then() -> datetime:
    """A moment after the company was made, and before anything that a test changes."""
    return datetime.now(UTC)


def asked(client: Client, url: str, then: datetime, **more: str) -> HttpResponse:
    return client.get(url, {**more, "as_of": exact(then)}, follow=True)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_says_whether_it_has_a_past(world: World, name: str) -> None:
    view = resolve(reverse(name, args=PAGES[name][1](world))).func
    assert takes_as_of(view) == (name in PAST)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAST)
def test_every_page_opens_as_of_a_moment(world: World, then: datetime, name: str, role: str) -> None:
    allowed, args = PAGES[name]
    if role == "sales_rep" and name in OWN:
        allowed, args = "R", OWN[name]
    client = sign_in(world, role)
    if LETTERS[role] not in allowed:
        client.raise_request_exception = False
    with reading() as found:
        response = asked(client, reverse(name, args=args(world)), then)
    if LETTERS[role] not in allowed:
        assert response.status_code in {403, 404}
        return
    assert response.status_code == 200
    assert found.inside & ours() <= with_a_past()
    assert found.outside & ours() <= OUTSIDE
    page = response.content.decode()
    if not name.endswith("-fragment"):
        assert "Data as known on" in page
        assert "Back to now" in page
    assert writing(page) == []
    assert leaks(page, response.request["PATH_INFO"]) == []
    if role == "admin":
        with reading() as found:
            book = asked(client, reverse(name, args=args(world)), then, export="xlsx")
        assert book.status_code == 200
        assert found.inside & ours() <= with_a_past()
        assert found.outside & ours() <= OUTSIDE


def writing(page: str) -> list[str]:
    """Forms and attributes by which a page writes; signing out or another theme is no change of facts."""
    forms = re.findall(r'<form\b[^<>]*method="post"[^<>]*>', page)
    harmless = (f'action="{reverse("account_logout")}"', f'action="{reverse("leads:theme")}"')
    return [form for form in forms if not any(action in form for action in harmless)] + re.findall(
        r"hx-(?:post|put|delete)=", page
    )


def leaks(page: str, path: str) -> list[str]:
    """Links of a past page that lead to today's state of a page that has a past."""
    found = []
    for tag in re.findall(r'<[a-z][^<>]*\s(?:href|hx-get)="[^<>]*>', page):
        for address in re.findall(r'\s(?:href|hx-get)="([/?][^"]*)"', tag):
            parts = urlsplit(unescape(address))
            try:
                has_past = takes_as_of(resolve(parts.path or path).func)
            except Resolver404:
                continue
            if has_past and "as_of" not in parse_qs(parts.query) and "data-now" not in tag:
                found.append(address)
    return found


def of_everybody(then: datetime) -> Scope:
    company = Company.current()
    return Scope(period=Period(then - timedelta(days=120), then), at=then, tz=company.tz, currency=company.currency)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("key", keys())
def test_every_figure_is_asked_as_of_a_moment(world: World, then: datetime, key: str) -> None:
    """As of a moment after which nothing happened, with its rows: what it is live, from tables that have a past."""
    scope = of_everybody(then)
    live = figure(key, scope)
    rows = {name: part.rows() for name, part in live.parts.items()}
    with known_at(then), reading() as found:
        past = figure(key, scope)
        assert {name: part.rows() for name, part in past.parts.items()} == rows
    assert (past.value, past.totals) == (live.value, live.totals)
    assert found.inside & ours() <= with_a_past()
    assert not found.outside


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", keys())
def test_every_figure_opens_and_is_exported_as_of_a_moment(world: World, then: datetime, key: str, role: str) -> None:
    client = sign_in(world, role)
    url = reverse("leads:figure", args=[key])
    live = client.get(url)
    with reading() as found:
        response = asked(client, url, then)
        assert response.status_code == live.status_code
        if live.status_code == 403:
            return
        table = asked(client, url, then, export="csv").content.decode("utf-8-sig")
        book = asked(client, url, then, export="xlsx")
    assert response.context["value"] == live.context["value"]
    assert table.splitlines()[0].endswith(",As of")
    assert f"as-of-{then:%Y-%m-%d}" in book["Content-Disposition"]
    assert found.inside & ours() <= with_a_past()
    assert found.outside & ours() <= OUTSIDE


@pytest.fixture
def bearer(world: World) -> dict[str, str]:
    made, key = ApiKey.objects.create_key(name="test", scopes=[scope.value for scope in KeyScope])
    # The day of its last use is noted once a day, the only write of any GET; see test_reading.py.
    ApiKey.objects.filter(pk=made.pk).update(last_used_on=datetime.now(UTC).date())
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(API))
def test_the_api_answers_as_of_a_moment(world: World, then: datetime, bearer: dict[str, str], name: str) -> None:
    client, url = Client(headers=bearer), reverse(name, args=API[name](world))
    live = client.get(url)
    with reading() as found:
        response = asked(client, url, then)
    assert response.status_code == live.status_code == 200
    assert datetime.fromisoformat(response.json()["as_of"]) == then
    assert found.inside & ours() <= with_a_past()
    assert found.outside & ours() <= OUTSIDE
    if "ETag" in live:
        assert response["ETag"] != live["ETag"]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a class="x" href="/pipeline?channel=email">', ["/pipeline?channel=email"]),
        ('<a href="/pipeline?as_of=2026-11-01">', []),
        ('<a href="/pipeline" data-now>', []),
        ('<a href="/connections">', []),
    ],
)
def test_a_link_to_today_is_noticed(html: str, found: list[str]) -> None:
    assert leaks(html, "/pipeline") == found
