"""The mapping step: what it proposes, what it asks, and what it keeps."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leads.forms import import_words
from leads.models import CampaignCost, ImportMapping, ImportRun, JobRun, Opportunity, User
from leads.tasks import sweep_imports
from tests.leads.factories import CampaignFactory, UserFactory
from tests.leads.pure.imports.test_ad_reports import GOOGLE, GOOGLE_API, LINKEDIN, META, MICROSOFT

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


def test_every_word_can_be_mapped_also_beyond_those_of_the_first_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_words, "MOST_WORDS", 2)
    rows = "".join(f"{n},{word},2026-01-01\n" for n, word in enumerate(["Hot", "Hot", "Hot", "Warm", "Warm", "Odd"]))
    url = upload(client, f"id,stage,opened\n{rows}".encode(), "opportunities")
    page = client.get(url)
    assert "the words 1 to 2 of 3" in page.content.decode()
    given = {**proposed(client, url), "opened": "dates", "stage_word_0": "proposal", "stage_word_1": "proposal"}
    turned = client.post(url, {**given, "words": "stage:1"})
    assert turned.status_code == 302
    assert not JobRun.objects.exists()
    assert ImportRun.objects.get().defaults["stages"] == {"Hot": "proposal", "Warm": "proposal"}
    there = turned.url.partition("#")[0]
    assert client.get(there).context["form"].fields["stage_word_0"].label == "Odd"
    run = take(client, there, {**proposed(client, there), "opened": "dates", "stage_word_0": "won"})
    assert run.defaults["stages"] == {"Hot": "proposal", "Warm": "proposal", "Odd": "won"}
    assert counts(run)[3] == 1  # won, and not since when
    assert counts(run)[0] == 5


def test_a_file_of_accounts(client: Client) -> None:
    url = upload(client, b"account,office_location\nLooms,Deutschland\n", "accounts")
    assert proposed(client, url) == {"column_name": "account", "column_country": "office_location"}
    assert client.post(url, proposed(client, url)).status_code == 302
    sweep_imports()
    page = client.get(reverse("leads:import-detail", args=[ImportRun.objects.get().public_id])).content.decode()
    assert "Import 1 row" in page


def take(client: Client, url: str, given: dict[str, str]) -> ImportRun:
    assert client.post(url, given).status_code == 302
    sweep_imports()
    run = ImportRun.objects.latest("pk")
    assert client.get(reverse("leads:import-detail", args=[run.public_id])).status_code == 200
    client.post(reverse("leads:import-start", args=[run.public_id]))
    sweep_imports()
    run.refresh_from_db()
    return run


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.rows_created, run.rows_updated, run.rows_unchanged, run.rows_rejected


@pytest.mark.parametrize(
    ("content", "name", "zone", "taken", "amount"),
    [
        (GOOGLE.encode(), "google-ads", "the account's time zone", (2, 0, 0, 1), (123450, "EUR")),
        (GOOGLE_API.encode(), "google-ads", "the account's time zone", (1, 0, 0, 0), (123450, "USD")),
        (MICROSOFT.encode(), "microsoft-ads", "(GMT+01:00) Amsterdam, Berlin", (2, 0, 0, 0), (11820, "EUR")),
        (LINKEDIN.encode("utf-16"), "linkedin-ads", "UTC", (1, 0, 0, 0), (8805, "USD")),
        (META.encode(), "meta-ads", "the account's time zone", (1, 0, 0, 0), (6050, "EUR")),
    ],
)
def test_an_export_of_an_advertising_service_is_recognized(
    client: Client, content: bytes, name: str, zone: str, taken: tuple[int, ...], amount: tuple[int, str]
) -> None:
    CampaignFactory(code="brand-4", name="Q4 Brand")
    url = upload(client, content, "costs")
    page = client.get(url)
    assert page.context["reader"].fields["preset"].initial == name
    assert f"Days end at midnight of: {zone}" in page.content.decode()
    run = take(client, url, proposed(client, url))
    assert counts(run) == taken
    row = CampaignCost.objects.get(spent_on="2026-11-16")
    assert (row.amount_cents, row.currency, row.source) == (*amount, name)


def test_a_day_of_an_export_that_is_read_again_replaces_itself(client: Client) -> None:
    CampaignFactory(code="brand-4", name="Q4 Brand")
    url = upload(client, META.encode(), "costs")
    take(client, url, proposed(client, url))
    url = upload(client, META.replace("10.25", "11.00").encode(), "costs")
    run = take(client, url, proposed(client, url))
    assert counts(run) == (0, 1, 0, 0)
    assert [row.amount_cents for row in CampaignCost.objects.all()] == [6125]


def test_the_service_of_an_export_can_be_changed(client: Client) -> None:
    CampaignFactory(code="q4", name="Q4")
    url = upload(client, b"Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.00\n2026-11-16,Q4,EUR,2.50\n", "costs")
    reading = {"encoding": "utf-8-sig", "delimiter": ",", "header_line": "1"}
    assert client.get(url).context["reader"].fields["preset"].initial == ""
    refused = client.post(url, {**reading, "preset": "meta-ads"})
    assert refused.status_code == 422
    assert "as Meta does" in refused.content.decode()
    client.post(url, {**reading, "preset": "google-ads"})
    run = take(client, url, proposed(client, url))
    assert counts(run) == (1, 0, 0, 0)
    row = CampaignCost.objects.get()
    assert (row.amount_cents, row.source) == (350, "google-ads")

    url = upload(client, MICROSOFT.encode(), "costs")
    line = str(client.get(url).context["form"].table.reading.header_line)
    client.post(url, {**reading, "header_line": line, "preset": ""})
    assert "preset" not in ImportRun.objects.latest("pk").defaults


def test_what_an_export_cannot_say_is_kept_aside_and_comes_back(client: Client) -> None:
    CampaignFactory(code="brand-4", name="Q4 Brand")
    broken = META.replace("10.25", "lots") + "Q4 Brand,17 Nov,2026-11-17,2026-11-17,1.00,1\n"
    url = upload(client, broken.encode(), "costs")
    run = take(client, url, proposed(client, url))
    assert counts(run) == (0, 0, 0, 3)
    assert not CampaignCost.objects.exists()
    errors = dict(run.row_errors.values_list("line", "error"))
    assert errors[3] == "The row shares its campaign and day with line 4, which cannot be read."
    assert "'lots' is not an amount" in errors[4]
    assert "'17 Nov' is not a date as Meta writes it" in errors[5]
    address = reverse("leads:import-rejected", args=[run.public_id])
    rejected = b"".join(client.get(address).streaming_content)  # type: ignore[attr-defined]
    url = upload(client, rejected.replace(b"lots", b"10.25").replace(b"17 Nov", b"2026-11-17"), "costs")
    assert counts(take(client, url, proposed(client, url))) == (2, 0, 0, 0)
    assert sorted(CampaignCost.objects.values_list("amount_cents", "source")) == [(100, "meta-ads"), (6050, "meta-ads")]
