"""A deal that a connected CRM keeps is changed there: refused on its page and by API, until the CRM is gone."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, ExternalRecord
from leads.models import Company, Opportunity, User
from tests.integrations.world import connect
from tests.leads.api.keys import make_key
from tests.leads.factories import OpportunityFactory

pytestmark = pytest.mark.django_db
WHY = "A connected CRM keeps this deal"


@pytest.fixture
def kept(company: Company) -> Opportunity:
    made: Opportunity = OpportunityFactory(name="Platform")
    ExternalRecord.objects.create(
        connection=connect("http://127.0.0.1:9"), kind="deal", remote_id="1", opportunity=made
    )
    return made


def test_by_api_it_is_refused_and_nothing_is_written(client: Client, kept: Opportunity) -> None:
    _, headers = make_key("opportunities:write")
    stage_id = kept.stage_id
    url, body = f"/api/v1/opportunities/{kept.public_id}", {"name": "Renamed", "stage": "proposal"}
    answer = client.patch(url, body, content_type="application/json", headers=headers)
    assert answer.status_code in (400, 422)
    assert WHY in answer.json()["detail"]
    kept.refresh_from_db()
    assert (kept.name, kept.stage_id) == ("Platform", stage_id)
    Connection.objects.update(is_active=False)
    assert client.patch(url, {"name": "Renamed"}, content_type="application/json", headers=headers).status_code == 200


def test_on_its_page_it_is_refused_and_nothing_is_written(client: Client, kept: Opportunity, admin_user: User) -> None:
    client.force_login(admin_user)
    url = reverse("leads:opportunity-edit", args=[kept.public_id])
    assert WHY in client.get(url).content.decode()
    seen = kept.changed_at.isoformat()
    posted = {"name": "Renamed", "stage": kept.stage_id, "currency": "EUR", "seen": seen}
    answer = client.post(url, posted)
    assert answer.status_code == 422
    assert WHY in answer.content.decode()
    kept.refresh_from_db()
    assert kept.name == "Platform"


def test_a_deal_whose_record_was_archived_there_is_ours_again(client: Client, kept: Opportunity) -> None:
    ExternalRecord.objects.update(archived_at=kept.changed_at)
    _, headers = make_key("opportunities:write")
    url = f"/api/v1/opportunities/{kept.public_id}"
    assert client.patch(url, {"name": "Ours"}, content_type="application/json", headers=headers).status_code == 200
