"""The page of a form, without JavaScript, and the confirmation of a sign-up."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from leads.actions.capture.take_submissions import take_submissions
from leads.actions.web_forms.confirm_sign_up import send_confirmations
from leads.models import ConfirmationMail, ConsentText, Lead, Submission, WebForm
from leads.queries.mail import opt_outs
from tests.conftest import NOW
from tests.leads.factories import CampaignFactory, LeadFactory, TouchpointFactory, WebFormFactory

pytestmark = pytest.mark.django_db
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}


def made(**fields: Any) -> WebForm:
    form: WebForm = WebFormFactory(**fields)
    return form


def fill(client: Client, form: WebForm, *, query: str = "", at: Any = NOW, **given: str) -> Any:
    """Open the page and send it half a minute later."""
    with time_machine.travel(at, tick=False):
        page = client.get(f"/f/{form.key}{query}", headers={**PERSON, "Referer": "https://www.google.com/"})
    found = re.search(r'name="token" value="([^"]+)"', page.content.decode())
    assert found is not None
    with time_machine.travel(at + timedelta(seconds=30), tick=False):
        return client.post(f"/f/{form.key}", {"token": found[1], **given}, headers=PERSON)


def test_the_page_works_without_cookies_scripts_and_sign_in(client: Client, company: Any) -> None:
    form = made(language="de", title="Sprechen wir")
    answer = client.get(f"/f/{form.key}", headers=PERSON)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<html lang="de"' in text
    assert "Test company" in text
    assert answer.cookies == {}
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_sent_it_thanks_and_becomes_a_lead_with_the_way_it_came(client: Client, company: Any) -> None:
    campaign = CampaignFactory(code="spring")
    form = made(campaign=campaign)
    ConsentText.objects.create(form=form, number=1, text="Old words", saved_at=NOW)
    ConsentText.objects.create(form=form, number=2, text="Write to me.", saved_at=NOW)
    tags = "?utm_source=linkedin&utm_medium=paid-social"
    answer = fill(client, form, query=tags, email="ada@example.com", company="Engines", consent="on")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/f/{form.key}/thanks"
    assert form.thanks in client.get(answer.headers["Location"]).content.decode()
    take_submissions(at=NOW + timedelta(minutes=1))
    lead = Lead.objects.select_related("channel", "campaign").get()
    assert lead.company == "Engines"
    assert lead.channel is not None
    assert lead.channel.key == "paid-social"
    assert lead.campaign == campaign
    touch = lead.touchpoints.get()
    assert touch.referrer == "https://www.google.com/"
    consent = lead.consents.get()
    assert consent.text == "Write to me."
    assert consent.given_at == NOW + timedelta(seconds=30)
    assert consent.source == f"form: {form.name}"


def test_a_campaign_alone_decides_the_channel(client: Client, company: Any) -> None:
    form = made(campaign=CampaignFactory(code="spring"))
    fill(client, form, email="ada@example.com")
    take_submissions(at=NOW + timedelta(minutes=1))
    assert Lead.objects.select_related("campaign").get().campaign == form.campaign


def test_mistakes_are_shown_with_what_was_typed(client: Client, company: Any) -> None:
    answer = fill(client, made(), email="ada", first_name="Ada <b>")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Please enter an email address." in text
    assert 'value="Ada &lt;b&gt;"' in text
    assert 'aria-invalid="true"' in text


def test_it_leads_on_to_the_page_its_admin_chose(client: Client, company: Any) -> None:
    form = made(redirect_url="https://shop.example/thanks?x=1")
    answer = fill(client, form, email="ada@example.com")
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://shop.example/thanks?x=1")
    assert "form-action 'self' https://shop.example;" in answer.headers["Content-Security-Policy"]


def confirmation_link() -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/f/confirm/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def signed_up(client: Client, *, at: Any = NOW, email: str = "ada@example.com") -> WebForm:
    form = made(kind="email_signup", confirms_email=True)
    fill(client, form, at=at, email=email)
    return form


def test_a_sign_up_counts_only_once_it_is_confirmed(client: Client, company: Any) -> None:
    form = signed_up(client)
    assert take_submissions(at=NOW + timedelta(minutes=1)) == 0
    assert not Lead.objects.exists()
    assert send_confirmations(at=NOW + timedelta(minutes=1)) == 1
    assert mail.outbox[0].to == ["ada@example.com"]
    assert form.title in mail.outbox[0].subject
    # Never again by itself.
    assert send_confirmations(at=NOW + timedelta(days=30)) == 0
    confirmed_at = NOW + timedelta(hours=5)
    with time_machine.travel(confirmed_at, tick=False):
        link = confirmation_link()
        # A scanner that opens every link confirms nothing.
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
        assert Submission.objects.get().state == "unconfirmed"
        assert "it is confirmed" in client.post(link).content.decode()
        assert "it is confirmed" in client.post(link).content.decode()
    assert take_submissions(at=confirmed_at) == 1
    with time_machine.travel(confirmed_at + timedelta(days=20), tick=False):
        assert "it is confirmed" in client.post(link).content.decode()
    assert take_submissions(at=confirmed_at + timedelta(days=20)) == 0
    touch = Lead.objects.get().touchpoints.get()
    assert (touch.kind, touch.occurred_at) == ("email_signup", confirmed_at)


def test_a_link_that_is_old_or_forged_does_not_work(client: Client, company: Any) -> None:
    signed_up(client)
    send_confirmations(at=NOW + timedelta(minutes=1))
    link = confirmation_link()
    with time_machine.travel(NOW + timedelta(days=8), tick=False):
        answer = client.post(link)
    assert answer.status_code == 404
    assert "expired" in answer.content.decode()
    assert client.post(link[:-2] + "xx").status_code == 404
    assert Submission.objects.get().state == "unconfirmed"


def test_an_address_is_asked_once_however_often_it_is_entered(client: Client, company: Any) -> None:
    for _ in range(3):
        signed_up(client)
    assert send_confirmations(at=NOW + timedelta(minutes=1)) == 1
    assert len(mail.outbox) == 1
    # Once the link is dead, a new sign-up gets a new one.
    later = NOW + timedelta(days=8)
    signed_up(client, at=later)
    assert send_confirmations(at=later + timedelta(minutes=1)) == 1


def test_a_mail_that_may_have_left_is_not_sent_again(client: Client, company: Any, settings: Any) -> None:
    signed_up(client)
    # Its worker died while it was sending.
    ConfirmationMail.objects.update(state="sending", attempts=1)
    assert send_confirmations(at=NOW + timedelta(days=1)) == 0
    assert mail.outbox == []


def test_a_server_that_takes_no_connection_is_tried_again(client: Client, company: Any, settings: Any) -> None:
    signed_up(client)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert send_confirmations(at=NOW + timedelta(minutes=1)) == 0
    waiting = ConfirmationMail.objects.get()
    assert (waiting.state, waiting.not_before) == ("waiting", NOW + timedelta(minutes=3))


def test_confirming_again_lifts_an_earlier_unsubscription(client: Client, company: Any) -> None:
    lead = LeadFactory(email="ada@example.com")
    signed_up(client)
    TouchpointFactory(lead=lead, kind="email_unsubscribe", occurred_at=NOW + timedelta(hours=1), exclusion="opt_out")
    send_confirmations(at=NOW + timedelta(minutes=1))
    assert lead.pk in opt_outs([lead])
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        client.post(confirmation_link())
    take_submissions(at=NOW + timedelta(hours=2))
    assert opt_outs([lead]) == {}
