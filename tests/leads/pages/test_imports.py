"""The import pages, from upload to result, without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leads.models import ImportMapping, ImportRun, JobRun, Lead, User
from leads.tasks import sweep_imports

pytestmark = pytest.mark.django_db
SAMPLE = Path(__file__).resolve().parents[2] / "data/funnel_leads.csv"
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
MAPPED = {
    "column_external_id": "id",
    "column_occurred_at": "date",
    "column_channel": "origin",
    "channel_word_0": "email",
}


def upload(client: Client, content: bytes, kind: str = "leads"):
    file = SimpleUploadedFile("list.csv", content, content_type="text/csv")
    return client.post(reverse("leads:imports"), {"kind": kind, "file": file})


def at(name: str, run: ImportRun) -> str:
    return reverse(f"leads:{name}", args=[run.public_id])


@pytest.fixture
def client(company: object, director: User) -> Client:
    client = Client()
    client.force_login(director)
    return client


def test_from_upload_to_result(client: Client) -> None:
    answer = upload(client, SAMPLE.read_bytes())
    run = ImportRun.objects.get()
    assert answer.url == at("import-columns", run)
    page = client.get(answer.url).content.decode()
    assert "first_contact_date" in page
    assert "direct traffic" in page
    form = client.get(answer.url).context["form"]
    data = {name: field.initial or "" for name, field in form.fields.items() if field.initial}
    answer = client.post(at("import-columns", run), {**data, "stage": "mql", "save_as": "Funnel"})
    assert answer.url == at("import-detail", run)
    assert "hx-get" in client.get(answer.url).content.decode()
    progress = client.get(at("import-progress", run))
    assert b"0 of 200" in progress.content
    assert "HX-Refresh" not in progress

    assert sweep_imports() == 1
    assert client.get(at("import-progress", run))["HX-Refresh"] == "true"
    answer = client.get(at("import-detail", run))
    assert answer.context["run"].rows_created == 200
    assert len(answer.context["preview"].rows) == 20
    assert {row.verdict for row in answer.context["preview"].rows} == {"new"}
    assert Lead.objects.count() == 0
    client.post(at("import-start", run))
    assert sweep_imports() == 1
    page = client.get(at("import-detail", run)).content.decode()
    assert "list.csv is in" in page
    assert reverse("leads:lead-list") in page
    assert Lead.objects.filter(stage="mql").count() == 200

    # The next file of this shape is offered the saved mapping.
    upload(client, SAMPLE.read_bytes())
    again = ImportRun.objects.order_by("pk").last()
    answer = client.get(at("import-columns", again), {"map": "Funnel"})
    assert answer.context["chosen"] == ImportMapping.objects.get()
    assert answer.context["form"]["stage"].initial == "mql"
    assert "list.csv" in client.get(reverse("leads:imports")).content.decode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"id,name\n", "no rows"),
        (b'id,name\n1,"Ada\n2,Bob\n', "Line 2: a quotation mark"),
        (b"\x00\x01\x02", "not text"),
    ],
)
def test_unreadable_files(client: Client, content: bytes, message: str) -> None:
    answer = upload(client, content)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_columns_that_cannot_be(client: Client) -> None:
    upload(client, b"id,date,origin\n1,2026-02-01,email\n")
    run = ImportRun.objects.get()
    answer = client.post(at("import-columns", run), {**MAPPED, "column_external_id": ""})
    assert answer.status_code == 422
    assert "Choose the column for External id or Email" in answer.content.decode()
    answer = client.post(at("import-columns", run), {**MAPPED, "channel_word_0": "nowhere", "column_email": "gone"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"channel_word_0", "column_email"}
    assert not JobRun.objects.exists()


def test_another_channel_column_shows_its_words_first(client: Client) -> None:
    upload(client, b"id,date,origin,medium\n1,2026-02-01,email,tv\n")
    run = ImportRun.objects.get()
    answer = client.post(at("import-columns", run), {**MAPPED, "column_channel": "medium"})
    assert answer.url == at("import-columns", run)
    assert "tv" in client.get(answer.url).content.decode()
    assert not JobRun.objects.exists()


def test_rejected_rows_as_a_file(client: Client) -> None:
    upload(client, b"id,date,origin\n1,2026-02-01,=1+1\n2,soon,=1+1\n")
    run = ImportRun.objects.get()
    client.post(at("import-columns", run), MAPPED)
    sweep_imports()
    page = client.get(at("import-detail", run)).content.decode()
    assert "First contact" in page
    assert "Import 1 row" in page
    answer = client.get(at("import-rejected", run))
    text = b"".join(answer).decode("utf-8-sig")
    assert text.splitlines()[0] == "rejected line,rejected because,rejected from import,id,date,origin"
    assert text.splitlines()[1].endswith(",2,soon,'=1+1")
    assert 'filename="list-rejected.csv"' in answer["Content-Disposition"]


def test_starting_twice_is_refused_in_words(client: Client) -> None:
    upload(client, b"id,date,origin\n1,2026-02-01,email\n")
    run = ImportRun.objects.get()
    client.post(at("import-columns", run), MAPPED)
    assert "on their way already" in client.post(at("import-start", run), follow=True).content.decode()


@pytest.mark.parametrize("role", ["sales_rep", "sales_leader"])
def test_only_admins_and_directors(company: object, role: str, admin_user: User) -> None:
    from tests.leads.factories import UserFactory

    admin, other = Client(), Client()
    admin.force_login(admin_user)
    other.force_login(UserFactory(role=role))
    upload(admin, b"id,date,origin\n1,2026-02-01,email\n")
    run = ImportRun.objects.get()
    names = ["import-detail", "import-columns", "import-progress", "import-rejected"]
    assert [other.get(at(name, run)).status_code for name in names] == [403] * 4
    assert other.post(at("import-start", run)).status_code == 403
    assert upload(other, b"id\n1\n").status_code == 403
    assert Client().get(reverse("leads:imports")).status_code == 302
    assert admin.get(at("import-detail", run)).status_code == 302


def test_pages_do_not_load_files_they_do_not_show(client: Client, django_assert_max_num_queries) -> None:
    for _ in range(3):
        upload(client, b"id,date,origin\n1,2026-02-01,email\n")
    with django_assert_max_num_queries(8) as queries:
        assert client.get(reverse("leads:imports")).status_code == 200
    assert not any('"content"' in query["sql"] for query in queries.captured_queries)
