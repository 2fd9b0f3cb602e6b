"""Public doors of forms and tracked sites: everybody may write, nobody learns anything."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from time import thread_time
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from scipy.stats import mannwhitneyu

from leads.actions.capture.take_submissions import take_submissions
from leads.actions.web_forms.link_visits import link_visits
from leads.api.public import Rate, is_too_often
from leads.models import Lead, PageView, Submission, Touchpoint, WebForm
from tests.conftest import NOW
from tests.leads.factories import LeadFactory, TrackedSiteFactory, WebFormFactory

pytestmark = pytest.mark.django_db
SHOP = {"Origin": "https://shop.example", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}
SNIPPET = Path(__file__).resolve().parents[3] / "static" / "js" / "track.js"


@pytest.fixture
def form(company: Any) -> WebForm:
    made: WebForm = WebFormFactory()
    return made


def token(client: Client, form: WebForm, **headers: str) -> str:
    answer = client.get(f"/f/{form.key}/embed", headers={**SHOP, **headers})
    assert answer.status_code == 200
    return str(answer.json()["token"])


def send(client: Client, form: WebForm, values: dict[str, Any], **more: Any) -> Any:
    """Send as the embedded form does, ten seconds after it was shown."""
    after = more.pop("after", 10)
    headers = {**SHOP, **more.pop("headers", {})}
    with time_machine.travel(NOW, tick=False):
        opened = token(client, form)
    with time_machine.travel(NOW + timedelta(seconds=after), tick=False):
        body = json.dumps({"values": values, "token": opened, **more})
        return client.post(f"/f/{form.key}/submissions", body, content_type="application/json", headers=headers)


def test_what_is_sent_is_kept_and_becomes_a_lead(client: Client, form: WebForm) -> None:
    answer = send(client, form, {"email": "Ada@Example.com", "first_name": "Ada"}, page="https://shop.example/pricing")
    assert answer.status_code == 200
    assert answer.json() == {"status": "received", "message": form.thanks, "redirect": ""}
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert not Lead.objects.exists()
    assert take_submissions(at=NOW + timedelta(minutes=1)) == 1
    lead = Lead.objects.get()
    assert (lead.email, lead.first_name, lead.stage) == ("ada@example.com", "Ada", "lead")
    assert lead.captured_at == NOW + timedelta(seconds=10)
    submission = Submission.objects.get()
    assert (submission.state, submission.lead, submission.form, submission.item) == ("accepted", lead, form, None)
    touch = Touchpoint.objects.get()
    assert (touch.name, touch.kind, touch.landing_page) == (
        form.name,
        "form_submission",
        "https://shop.example/pricing",
    )


def test_known_and_unknown_people_get_the_same_answer(client: Client, form: WebForm) -> None:
    LeadFactory(email="known@example.com")
    answers = [send(client, form, {"email": f"{who}@example.com"}) for who in ("known", "unknown")]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


def test_another_origin_can_neither_read_nor_send(client: Client, form: WebForm) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    assert client.get(f"/f/{form.key}/embed", headers=elsewhere).status_code == 403
    assert send(client, form, {"email": "a@x.example"}, headers=elsewhere).status_code == 403
    assert client.options(f"/f/{form.key}/submissions", headers=elsewhere).status_code == 403
    assert "Access-Control-Allow-Origin" not in client.get(f"/f/{form.key}/embed", headers=elsewhere).headers
    assert not Submission.objects.exists()


def test_a_browser_may_ask_first(client: Client, form: WebForm) -> None:
    answer = client.options(f"/f/{form.key}/submissions", headers=SHOP)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"homepage": "https://spam.example"}, "only programs see"),
        ({"after": 1}, "people need 2 s"),
        ({"headers": {"User-Agent": "python-requests/2.32"}}, "says that it is a program"),
    ],
)
def test_programs_are_answered_alike_kept_and_make_no_lead(
    client: Client, form: WebForm, more: dict[str, Any], why: str
) -> None:
    answer = send(client, form, {"email": "bot@example.com"}, **more)
    assert answer.json() == {"status": "received", "message": form.thanks, "redirect": ""}
    assert take_submissions(at=NOW + timedelta(hours=1)) == 0
    submission = Submission.objects.get()
    assert submission.state == "spam"
    assert why in submission.errors[0]["detail"]
    assert not Lead.objects.exists()


def test_faults_are_told_beside_their_fields_and_nothing_is_kept(client: Client, form: WebForm) -> None:
    answer = send(client, form, {"email": "nobody"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"email": "Please enter an email address."}
    assert not Submission.objects.exists()


def test_a_token_of_another_form_or_too_old_asks_to_send_once_more(client: Client, form: WebForm) -> None:
    other = WebFormFactory()
    with time_machine.travel(NOW, tick=False):
        wrong, old = token(client, other), token(client, form)
    for given, at in ((wrong, NOW + timedelta(minutes=1)), (old, NOW + timedelta(days=3)), ("x", NOW)):
        with time_machine.travel(at, tick=False):
            body = json.dumps({"values": {"email": "a@x.example"}, "token": given})
            answer = client.post(f"/f/{form.key}/submissions", body, content_type="application/json", headers=SHOP)
        assert answer.status_code == 422
        assert answer.json()["message"] == "Please send the form once more."
    assert not Submission.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "{", '{"values": 1}', '{"a":' * 100_000, "x" * 70_000])
def test_what_is_no_form_is_refused(client: Client, form: WebForm, body: str) -> None:
    answer = client.post(f"/f/{form.key}/submissions", body, content_type="application/json", headers=SHOP)
    assert answer.status_code == 400


def test_too_many_tries_of_one_caller_are_refused(client: Client, form: WebForm, monkeypatch: Any) -> None:
    monkeypatch.setattr("leads.api.web_forms.SENDING", Rate("form", each=3, all=5))
    statuses = [send(client, form, {"email": "a@x.example"}).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_callers_are_counted_each_and_together(rf: RequestFactory) -> None:
    rate, key = Rate("form", each=2, all=3), uuid4()

    def ask(address: str, at: datetime = NOW) -> bool:
        return is_too_often(rf.post("/", REMOTE_ADDR=address), key, rate, at)

    assert [ask("10.0.0.1"), ask("10.0.0.1"), ask("10.0.0.1")] == [False, False, True]
    assert ask("10.0.0.2")  # the fourth of all
    assert not ask("10.0.0.2", NOW + timedelta(minutes=1))


def test_a_closed_form_takes_nothing(client: Client, form: WebForm) -> None:
    WebForm.objects.update(is_open=False)
    assert client.get(f"/f/{form.key}/embed", headers=SHOP).status_code == 404
    assert client.get(f"/f/{form.key}").status_code == 404


def test_showing_a_form_is_counted_by_day(client: Client, form: WebForm) -> None:
    for _ in range(3):
        assert client.post(f"/f/{form.key}/shown", headers=SHOP).status_code == 204
    assert sum(form.views.values_list("count", flat=True)) == 3


def view(client: Client, site: Any, page: str, *, at: Any = NOW, **headers: str) -> int:
    with time_machine.travel(at, tick=False):
        body = json.dumps({"v": "0123456789abcdef", "p": page, "r": "https://www.google.com/"})
        answer = client.post(f"/t/{site.key}", body, content_type="text/plain", headers={**SHOP, **headers})
    return int(answer.status_code)


def test_visits_before_the_form_become_touchpoints_of_the_lead(client: Client, form: WebForm) -> None:
    site = TrackedSiteFactory()
    ad = "https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=q4"
    assert view(client, site, ad, at=NOW - timedelta(days=3)) == 204
    assert view(client, site, "https://shop.example/pricing", at=NOW - timedelta(days=3) + timedelta(minutes=5)) == 204
    assert view(client, site, "https://shop.example/", at=NOW - timedelta(minutes=2), Referer="") == 204
    send(client, form, {"email": "ada@example.com"}, visitor="0123456789abcdef", page="https://shop.example/")
    at = NOW + timedelta(minutes=1)
    take_submissions(at=at)
    assert link_visits(at=at, since=at - timedelta(hours=2)) == 2
    lead = Lead.objects.select_related("channel", "campaign").get()
    touches = list(lead.touchpoints.order_by("occurred_at"))
    assert [touch.kind for touch in touches] == ["page_view", "page_view", "form_submission"]
    assert touches[0].name == "/ /pricing"
    assert lead.channel is not None
    assert lead.channel.key == "paid-search"
    assert lead.campaign is not None
    assert lead.campaign.code == "q4"
    assert lead.captured_at == NOW + timedelta(seconds=10)
    assert link_visits(at=at) == 0
    assert lead.touchpoints.count() == 3
    # A later visit counts once it is over.
    view(client, site, "https://shop.example/docs", at=NOW + timedelta(days=1))
    assert link_visits(at=NOW + timedelta(days=1, minutes=10)) == 0
    assert link_visits(at=NOW + timedelta(days=1, minutes=40)) == 1
    assert lead.touchpoints.count() == 4


def test_the_browsers_memory_of_the_first_page_counts_where_no_visit_was_recorded(
    client: Client, form: WebForm
) -> None:
    began = NOW - timedelta(days=9)
    first = {"t": began.timestamp() * 1000, "p": "https://shop.example/?utm_medium=newsletter", "r": ""}
    send(client, form, {"email": "ada@example.com"}, visitor="0123456789abcdef", first=first)
    take_submissions(at=NOW + timedelta(minutes=1))
    assert link_visits(at=NOW + timedelta(minutes=1)) == 1
    lead = Lead.objects.select_related("channel").get()
    assert lead.touchpoints.order_by("occurred_at")[0].occurred_at == began
    assert lead.channel is not None
    assert lead.channel.key == "email"


@pytest.mark.parametrize("headers", [{"Sec-GPC": "1"}, {"DNT": "1"}])
def test_who_does_not_want_to_be_tracked_is_not(client: Client, headers: dict[str, str]) -> None:
    site = TrackedSiteFactory()
    assert view(client, site, "https://shop.example/", **headers) == 204
    assert not PageView.objects.exists()


def test_views_of_elsewhere_are_refused_and_broken_ones_kept_out(client: Client) -> None:
    site = TrackedSiteFactory()
    assert view(client, site, "https://shop.example/", Origin="https://evil.example") == 403
    assert view(client, site, "javascript:alert(1)") == 204
    assert not PageView.objects.exists()


def test_visits_of_bots_are_kept_and_worth_nothing(client: Client, form: WebForm) -> None:
    site = TrackedSiteFactory()
    view(client, site, "https://shop.example/", at=NOW - timedelta(hours=2), **{"User-Agent": "Googlebot/2.1"})
    send(client, form, {"email": "ada@example.com"}, visitor="0123456789abcdef")
    take_submissions(at=NOW + timedelta(minutes=1))
    link_visits(at=NOW + timedelta(minutes=1))
    assert Touchpoint.objects.get(kind="page_view").exclusion == "bot"


def test_the_script_knows_its_site_and_is_small(client: Client) -> None:
    site = TrackedSiteFactory(asks_consent=True)
    script = client.get(f"/t/{site.key}.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert json.loads(re.match(rb"var revopsSite=(.*);", script.content)[1]) == {  # type: ignore[index]
        "url": "http://127.0.0.1:8000",
        "key": str(site.key),
        "ask": True,
    }
    assert len(gzip.compress(script.content)) < 3 * 1024
    assert client.get("/t/7c1e2f7e-8b1d-4f3c-9d59-1c9a4a3d2b10.js").status_code == 404


def test_known_and_unknown_people_take_the_same_statements_and_the_same_time(
    client: Client, form: WebForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can be told from how long the answer takes, because nobody is looked up."""
    monkeypatch.setattr("leads.api.web_forms.SENDING", Rate("form", each=1000, all=1000))
    known = [LeadFactory(email=f"known{number}@example.com").email for number in range(60)]
    unknown = [f"nobody{number}@example.com" for number in range(60)]
    sent: dict[str, list[tuple[float, list[str]]]] = {"known": [], "unknown": []}
    with time_machine.travel(NOW, tick=False):
        opened = token(client, form)
    for pair in zip(known, unknown, strict=True):
        for who, email in zip(("known", "unknown"), pair, strict=True):
            body = json.dumps({"values": {"email": email}, "token": opened})
            with (
                time_machine.travel(NOW + timedelta(seconds=10), tick=False),
                CaptureQueriesContext(connection) as asked,
            ):
                begun = thread_time()
                answer = client.post(f"/f/{form.key}/submissions", body, content_type="application/json", headers=SHOP)
                took = thread_time() - begun
            assert answer.status_code == 200
            said = [re.sub(r"'[^']*'|s\d+_x\d+|\b\d+\b", "?", query["sql"]) for query in asked.captured_queries]
            sent[who].append((took, said))
    statements = {tuple(said) for who in sent.values() for _, said in who}
    assert len(statements) == 1
    assert not any("leads_lead" in each or "leads_touchpoint" in each for each in next(iter(statements)))
    times = [[took for took, _ in sent[who][5:]] for who in ("known", "unknown")]
    # One time in ten thousand equal ways look unequal.
    assert mannwhitneyu(*times).pvalue > 0.0001
