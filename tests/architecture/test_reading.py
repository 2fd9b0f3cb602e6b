"""Reading writes nothing, at any address, and figures read nothing that keeps no past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from leads.figures.base import figure, keys
from leads.models import Account, ApiKey, Company, ImportRun, Submission
from leads.models import Scope as KeyScope
from leads.past.registry import computed_tables, facts
from tests.architecture.conftest import ROLES, World
from tests.architecture.test_access import BELOW, ELSEWHERE, PAGES, Args
from tests.architecture.test_past import of_everybody, ours, reading, sign_in
from tests.conftest import NOW

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def unnamed(world: World) -> list[object]:
    return []


def unknown(world: World) -> list[object]:
    """Whoever opens a link that names nothing is told so; a right one is opened in the tests of its page."""
    return ["unknown"]


def imported(world: World) -> list[object]:
    at = {"asked_at": NOW, "created_at": NOW, "started_at": NOW}
    given = {name: value for name, value in at.items() if name in {each.name for each in ImportRun._meta.fields}}
    content = b"external_id,email\n1,a@b.example\n"
    made = {"kind": "leads", "file_name": "a.csv", "file_hash": uuid4().hex, "content": content, **given}
    return [ImportRun.objects.create(**made).public_id]


# Addresses beside PAGES that answer to GET.
FURTHER: dict[str, Args] = {
    **dict.fromkeys(("home", "livez", "readyz", "schema", "api-docs"), unnamed),
    **dict.fromkeys((name for name in ELSEWHERE if name.startswith("account_") and "from_key" not in name), unnamed),
    **dict.fromkeys(("leads:invitation-accept", "leads:mail-opt-out", "leads:unsubscribe"), unknown),
    "leads:sign-up-confirm": unknown,
    "attribution:accuracy-progress": unnamed,
    "attribution:run-progress": lambda world: [world.run.public_id],
    "leads:bulk-progress": lambda world: [world.bulk.public_id],
    "leads:channel-rules-progress": unnamed,
    "leads:form-embed": lambda world: [world.web_form.key],
    "leads:import-detail": imported,
    "leads:import-columns": imported,
    "leads:import-progress": imported,
    "leads:import-rejected": imported,
    "leads:notification-count": unnamed,
    "leads:public-form": lambda world: [world.web_form.key],
    "leads:public-form-thanks": lambda world: [world.web_form.key],
    "leads:scoring-progress": unnamed,
    "leads:site-script": lambda world: [world.tracked_site.key],
    "leads:transfer-new": unnamed,
    "leads:transfer-progress": lambda world: [world.transfer.public_id],
    "api-attribution-list": unnamed,
    "api-opportunity-attribution": lambda world: [world.other_deal.public_id],
    "api-attribution": lambda world: [world.campaign.public_id],
    "performance": unnamed,
    "api-report-restatements": lambda world: [world.report.week],
    "api-reports": unnamed,
    "api-recommendations": unnamed,
    "api-report": lambda world: [world.report.week],
    "api-integration-points": unnamed,
    "api-leads": unnamed,
    "api-lead": lambda world: [world.other_lead.public_id],
    "api-opportunities": unnamed,
    "api-opportunity": lambda world: [world.other_deal.public_id],
    "api-accounts": unnamed,
    "api-account": lambda world: [Account.objects.order_by("pk")[0].public_id],
    "api-campaigns": unnamed,
    "api-campaign": lambda world: [world.campaign.public_id],
    "api-touchpoints": unnamed,
    "api-territories": unnamed,
    "api-owners": unnamed,
    "api-figures": unnamed,
    "api-figure": lambda world: ["pipeline.won"],
    "api-figure-rows": lambda world: ["pipeline.won"],
    "api-submission": lambda world: [Submission.objects.order_by("pk")[0].public_id],
    "api-history": lambda world: ["deal", world.other_deal.public_id],
    "api-campaign-costs": lambda world: [world.campaign.public_id],
    "api-campaign-cost-history": lambda world: [world.campaign.public_id],
}
# Addresses of ELSEWHERE and BELOW that take no GET.
POSTED: dict[str, list[object]] = {
    "api-capture-leads": [],
    "api-cost-reports": [],
    "integrations:chat-destination-remove": [uuid4()],
    "integrations:chat-destination-test": [uuid4()],
    "integrations:crm-webhook": ["unknown"],
    "leads:form-send": [uuid4()],
    "leads:form-shown": [uuid4()],
    "leads:import-start": [uuid4()],
    "leads:invitation-again": [uuid4()],
    "leads:invitation-take-back": [uuid4()],
    "leads:lead-give-back": [uuid4()],
    "leads:mail-events": ["unknown", "unknown"],
    "leads:mail-replies": ["unknown", "unknown"],
    "leads:notification-open": [uuid4()],
    "leads:page-view": [uuid4()],
    "leads:web-form-attendance": [uuid4()],
}
LEFT_OUT = {
    "alignment:report-pdf": "keeps the file that the first asking makes",
    "api-search": "asked below, with something to look for",
    "integrations:consent-given": "takes in the consent that a vendor sends back",
    "account_reset_password_from_key": "a step of signing in",
    "account_reset_password_from_key_done": "a step of signing in",
    "attribution:simulation": "of a made-up market",
    "attribution:simulation-progress": "of a made-up market",
    "integrations:chat-destination": "the page that adds one, with its fields filled",
    "integrations:connection-job": "the log of runs, for one of them",
    "leads:routing-simulation-progress": "the same lines as every other progress",
    "leads:scoring-back-test-progress": "the same lines as every other progress",
}


@contextmanager
def read_only() -> Iterator[None]:
    """Whatever is written meanwhile fails in the database itself."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            connection.cursor().execute("SET LOCAL transaction_read_only = on")
            yield
            transaction.set_rollback(True)
        return
    # On the driver's own connection: Django asks nothing more of a transaction in which something failed.
    connection.ensure_connection()
    connection.connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.connection.execute("PRAGMA query_only = OFF")


@pytest.fixture
def bearer() -> dict[str, str]:
    made, key = ApiKey.objects.create_key(name="test", scopes=[scope.value for scope in KeyScope])
    # The day of its last use is noted once a day, the only write of any GET.
    ApiKey.objects.filter(pk=made.pk).update(last_used_on=datetime.now(UTC).date())
    return {"Authorization": f"Bearer {key}"}


def test_every_address_is_read_here_or_says_why_not() -> None:
    assert FURTHER.keys() | POSTED.keys() | LEFT_OUT.keys() == ELSEWHERE | BELOW


@pytest.mark.parametrize("name", sorted(POSTED))
def test_what_takes_posts_alone_is_not_read(world: World, bearer: dict[str, str], name: str) -> None:
    url = reverse(name, args=POSTED[name])
    client = Client(headers=bearer) if url.startswith("/api/v1/") else sign_in(world, "admin")
    with read_only():
        assert client.get(url).status_code == 405


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(PAGES | FURTHER))
def test_reading_writes_nothing(world: World, bearer: dict[str, str], name: str, role: str) -> None:
    args = PAGES[name][1] if name in PAGES else FURTHER[name]
    url = reverse(name, args=args(world))
    client = sign_in(world, role)
    is_api = url.startswith("/api/v1/")
    if is_api:
        client = Client(headers=bearer)
    with read_only():
        status = client.get(url, follow=name in PAGES).status_code
    assert status in ({200} if is_api else {200, 302, 403, 404})


@pytest.mark.parametrize("role", ROLES)
def test_searching_writes_nothing(world: World, role: str) -> None:
    client = sign_in(world, role)
    with read_only():
        status = client.get(reverse("api-search"), {"q": "an"}).status_code
    assert status == (403 if role == "sales_rep" else 200)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_making_a_file_writes_nothing(world: World, name: str) -> None:
    client = sign_in(world, "admin")
    with read_only():
        answer = client.get(reverse(name, args=PAGES[name][1](world)), {"export": "xlsx"}, follow=True)
        assert len(b"".join(answer)) > 0
    assert answer.status_code == 200


def test_a_write_in_a_read_only_transaction_is_noticed() -> None:
    with pytest.raises(DatabaseError), read_only():
        Company.objects.update(name="Written")


@pytest.mark.parametrize("key", keys())
def test_every_table_that_a_figure_reads_keeps_its_past(world: World, key: str) -> None:
    """Live, with the rows of every part: by its versions, or by computing it from tables that have them."""
    with reading() as found:
        for part in figure(key, of_everybody(NOW), with_rows=True).parts.values():
            part.rows()
    kept = {fact.table for fact in facts()} | {each.table for each in computed_tables()}
    assert found.outside & ours()
    assert found.outside & ours() <= kept
