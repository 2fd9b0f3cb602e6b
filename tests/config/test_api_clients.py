"""Clients that know only the description of the API: one generated from it, and one that tries what it allows."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from leads.models import Company, Lead, Scope
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory

ROOT = Path(__file__).parents[2]
BASE = "http://testserver"
NAME = "portal_client"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def same_connection() -> Iterator[None]:
    """Keep the test's connection through its requests: its transaction looks like one that a request left open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(company: Company) -> dict[str, str]:
    return make_key(*Scope.values)[1]


# --- generated -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that openapi-python-client makes of the description."""
    folder = tmp_path_factory.mktemp("client")
    settings_file = folder / "settings.yaml"
    settings_file.write_text("post_hooks: []\n")
    command = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--fail-on-warning"]
    where = ["--path", str(ROOT / "tests" / "baselines" / "openapi.yaml"), "--output-path", str(folder / NAME)]
    made = subprocess.run(
        [*command, *where, "--meta", "none", "--config", str(settings_file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))


@pytest.fixture
def caller(generated: ModuleType, key: dict[str, str]) -> Any:
    client = generated.AuthenticatedClient(base_url=BASE, token="")
    transport = httpx.WSGITransport(app=WSGIHandler())
    return client.set_httpx_client(httpx.Client(base_url=BASE, headers=key, transport=transport))


def part(name: str) -> Any:
    """A module of the generated package."""
    return importlib.import_module(f"{NAME}.{name}")


def item(email: str, **more: Any) -> Any:
    event = {"type": "form_submission", "occurred_at": (timezone.now() - timedelta(minutes=5)).isoformat()}
    return part("models").LeadInput.from_dict({"email": email, "event": event, **more})


def test_a_generated_client_posts_a_batch_with_a_bad_item(caller: Any) -> None:
    LeadFactory(email="known@engines.example")
    items = [item("new@engines.example"), item("no address"), item("known@engines.example")]
    answer = part("api.leads.capture_leads").sync(client=caller, body=part("models").LeadBatchInput(leads=items))
    new, bad, known = answer.results
    assert (new.status, new.is_new) == (201, True)
    assert (known.status, known.is_new) == (200, False)
    assert type(bad).__name__ == "RejectedItemAnswer"
    assert bad.status == 422
    assert bad.errors[0].pointer == "/leads/1/email"
    assert new.id == Lead.objects.get(email="new@engines.example").public_id


def test_a_generated_client_posts_one_lead(caller: Any) -> None:
    capture = part("api.leads.capture_leads")
    taken = capture.sync_detailed(client=caller, body=item("ada@engines.example"), idempotency_key="form-1")
    assert taken.status_code == 201
    assert taken.parsed.is_new is True
    refused = capture.sync(client=caller, body=item("ada@engines.example", phone="4.93012E+11"))
    assert type(refused).__name__ == "Problem"
    assert refused.errors[0].pointer == "/phone"


def test_a_generated_client_pages_through_everything(caller: Any) -> None:
    made = {LeadFactory(email=f"p{number}@engines.example").public_id for number in range(7)}
    listing, found, cursor, pages = part("api.leads.list_leads"), [], part("types").UNSET, 0
    while pages < 10:
        page = listing.sync(client=caller, limit=3, cursor=cursor)
        found += [lead.id for lead in page.results]
        pages += 1
        if page.next_ is None:
            break
        cursor = httpx.URL(page.next_).params["cursor"]
    assert pages == 3
    assert len(found) == 7
    assert set(found) == made


# --- tried -----------------------------------------------------------------------------------------------------------


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DESCRIBED = schemathesis.openapi.from_path(ROOT / "tests" / "baselines" / "openapi.yaml")
OPERATIONS = [
    (path, method) for path, methods in DESCRIBED.raw_schema["paths"].items() for method in methods if path[0] == "/"
]


@pytest.fixture
def real_ids(company: Company) -> dict[str, str]:
    deal = OpportunityFactory()
    campaign, lead = CampaignFactory(), LeadFactory()
    return {
        "campaign_id": str(campaign.public_id),
        "lead_id": str(lead.public_id),
        "opportunity_id": str(deal.public_id),
        "record_id": str(lead.public_id),
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: str(value))
def test_whatever_the_description_allows_or_forbids_is_answered_as_described(
    path: str, method: str, mode: GenerationMode, key: dict[str, str], real_ids: dict[str, str]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", WSGIHandler())
    examples = settings(
        max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    @examples
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def tried(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters.update({name: real_ids[name] for name in case.path_parameters if name in real_ids})
        case.call_and_validate(headers=key, checks=CHECKS)

    tried()
