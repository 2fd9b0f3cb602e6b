"""The mapping step: what it proposes, what it asks, and what it keeps."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leads.models import ImportMapping, ImportRun, JobRun, Opportunity, User
from leads.tasks import sweep_imports
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db
DEALS = "id;rep;stage;opened;amount\n1;Sam Rivers;Hot;{day};1.234\n2;Nobody Here;Won;{day};2.000\n"


@pytest.fixture
def client(company: object, director: User) -> Client:
    client = Client()
    client.force_login(director)
    return client


def upload(client: Client, content: bytes, kind: str) -> str:
    file = SimpleUploadedFile("list.csv", content, content_type="text/csv")
    answer = client.post(reverse("leads:imports"), {"kind": kind, "file": file})
    return str(answer.url)


def proposed(client: Client, url: str) -> dict[str, str]:
    fields = client.get(url).context["form"].fields
    return {name: field.initial for name, field in fields.items() if field.initial not in (None, "", False)}


def test_what_the_file_leaves_open_is_asked_and_nothing_starts(client: Client) -> None:
    UserFactory(name="Sam Rivers", email="sam@us.example")
    url = upload(client, DEALS.format(day="3/4/2026").encode(), "opportunities")
    given = proposed(client, url)
    assert given["owner_word_0"] == "sam@us.example"
    assert given["stage_word_1"] == "won"
    answer = client.post(url, given)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"dates", "decimal", "stage_word_0"}
    page = answer.content.decode()
    assert "“3/4/2026” could mean two things" in page
    assert "Choose what “Hot” means." in page
    assert not JobRun.objects.exists()


def test_answers_are_kept_saved_and_offered_again(client: Client) -> None:
    UserFactory(name="Sam Rivers", email="sam@us.example")
    content = DEALS.format(day="3/4/2026").encode()
    url = upload(client, content, "opportunities")
    answers = {"dates": "dmy", "decimal": ",", "stage_word_0": "proposal", "status": "", "opened": "dates"}
    more = {"column_closed_at": "opened", "column_opened_at": "", "save_as": "Old CRM"}
    assert client.post(url, {**proposed(client, url), **answers, **more}).status_code == 302
    sweep_imports()
    run = ImportRun.objects.get()
    preview = client.get(reverse("leads:import-detail", args=[run.public_id])).context["preview"]
    assert [row.texts[-2] for row in preview.rows] == ["1234.00 EUR", "2000.00 EUR"]
    assert [text for text in preview.rows[0].texts if text == "Proposal"] == ["Proposal"]
    client.post(reverse("leads:import-start", args=[run.public_id]))
    sweep_imports()
    won = Opportunity.objects.get(external_id="2")
    assert (won.amount_cents, won.attributes["rep"], won.owner) == (200_000, "Nobody Here", None)
    assert f"{won.closed_at:%Y-%m-%d}" == "2026-04-02"  # 3 April in Berlin
    saved = ImportMapping.objects.get().defaults
    assert (saved["dates"], saved["decimal"], saved["delimiter"]) == ("dmy", ",", ";")
    assert saved["stages"] == {"Hot": "proposal", "Won": "won"}
    assert saved["owners"] == {"Sam Rivers": "sam@us.example", "Nobody Here": ""}

    again = upload(client, content, "opportunities")
    fields = client.get(again, {"map": "Old CRM"}).context["form"].fields
    assert fields["dates"].initial == "dmy"
    assert fields["stage_word_0"].initial == "proposal"
    assert fields["column_closed_at"].initial == "opened"


def test_the_file_can_be_read_another_way(client: Client) -> None:
    content = "List of November;;\nemail;name;;\nada@a.example;Jana Dvořáková;;\nb@b.example;Bo;;\n".encode("cp1250")
    url = upload(client, content, "leads")
    page = client.get(url)
    reader = page.context["reader"]
    assert reader.initial == {"encoding": "cp1250", "delimiter": ";", "header_line": 2}
    assert "Jana Dvořáková" in page.content.decode()
    assert page.context["form"].table.header == ("email", "name")
    chosen = client.post(url, {"encoding": "cp1252", "delimiter": ";", "header_line": "2"}, follow=True)
    assert "Jana Dvoøáková" in chosen.content.decode()
    assert ImportRun.objects.get().defaults["encoding"] == "cp1252"
    refused = client.post(url, {"encoding": "cp1252", "delimiter": ";", "header_line": "1"})
    assert refused.status_code == 302
    assert ImportRun.objects.get().columns == {}
    nothing = client.post(url, {"encoding": "utf-8-sig", "delimiter": ";", "header_line": "2"})
    assert nothing.status_code == 422
    assert "encoding" in nothing.context["reader"].errors


def test_another_column_shows_its_words_before_anything_starts(client: Client) -> None:
    url = upload(client, b"id,stage,phase,opened\n1,Won,Warm,2026-01-01\n", "opportunities")
    answer = client.post(url, {**proposed(client, url), "column_stage": "phase", "opened": "dates"}, follow=True)
    assert "check what the words for stages mean" in answer.content.decode()
    assert "Warm" in answer.content.decode()
    assert not JobRun.objects.exists()


def test_a_file_of_accounts(client: Client) -> None:
    url = upload(client, b"account,office_location\nLooms,Deutschland\n", "accounts")
    assert proposed(client, url) == {"column_name": "account", "column_country": "office_location"}
    assert client.post(url, proposed(client, url)).status_code == 302
    sweep_imports()
    page = client.get(reverse("leads:import-detail", args=[ImportRun.objects.get().public_id])).content.decode()
    assert "Import 1 row" in page
