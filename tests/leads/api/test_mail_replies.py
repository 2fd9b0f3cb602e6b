"""Email services hand over what people answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.test import Client

from leads.models import Company, Lead, Submission, Touchpoint
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
SECRET = "0123456789abcdef0123456789abcdef"
SIGNING = "key-of-mailgun"
MOMENT = 1_794_000_000


@pytest.fixture(autouse=True)
def address(settings: Any, company: Company) -> None:
    settings.EMAIL_WEBHOOK_SECRET = SECRET


@pytest.fixture
def lead() -> Lead:
    made: Lead = LeadFactory(email="ada@engines.example")
    return made


def postmark(*headers: tuple[str, str], sender: str = "ada@engines.example") -> dict[str, Any]:
    said = [("Message-ID", "<1@engines.example>"), *headers]
    return {
        "From": sender,
        "FromFull": {"Email": sender, "Name": "Ada", "MailboxHash": ""},
        "ToFull": [{"Email": "sales@ours.example", "Name": "", "MailboxHash": ""}],
        "Subject": "Re: Prices",
        "Date": "Fri, 6 Nov 2026 10:00:00 +0100",
        "MessageID": "one",
        "TextBody": "Please call me.",
        "Headers": [{"Name": name, "Value": value} for name, value in said],
        "Attachments": [],
    }


def tell(body: Any, secret: str = SECRET, service: str = "postmark") -> int:
    url = f"/webhooks/email/{service}/replies/{secret}"
    return Client().post(url, json.dumps(body), content_type="application/json").status_code


def test_an_answer_becomes_a_touchpoint_and_a_repeat_nothing(lead: Lead) -> None:
    assert tell(postmark()) == 200
    assert tell(postmark()) == 200
    touch = Touchpoint.objects.get()
    assert (touch.kind, touch.exclusion, touch.lead) == ("email_reply", "", lead)
    assert touch.occurred_at.isoformat() == "2026-11-06T09:00:00+00:00"
    assert "call me" not in json.dumps(list(Submission.objects.values_list("payload", flat=True)))


@pytest.mark.parametrize(
    "header", [("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply"), ("X-Autoreply", "yes")]
)
def test_an_absence_note_is_kept_and_worth_nothing(lead: Lead, header: tuple[str, str]) -> None:
    assert tell(postmark(header)) == 200
    assert Touchpoint.objects.get().exclusion == "auto_reply"


def test_a_reply_of_somebody_unknown_makes_nobody_a_lead(lead: Lead) -> None:
    assert tell(postmark(sender="stranger@x.example")) == 200
    assert not Touchpoint.objects.exists()
    assert Submission.objects.get().state == "rejected"


def test_without_the_secret_there_is_nothing(lead: Lead) -> None:
    assert tell(postmark(), secret="wrong") == 404
    assert tell(postmark(), service="nobody") == 404
    assert tell([1, 2]) == 400
    assert not Touchpoint.objects.exists()


def test_what_a_service_signs_is_verified(lead: Lead, settings: Any) -> None:
    settings.EMAIL_WEBHOOK_SIGNING_KEY = SIGNING
    url = f"/webhooks/email/mailgun/replies/{SECRET}"
    good = hmac.new(SIGNING.encode(), f"{MOMENT}token".encode(), hashlib.sha256).hexdigest()
    headers = json.dumps([["From", "ada@engines.example"], ["Date", "Fri, 6 Nov 2026 10:00:00 +0100"]])
    body = {
        "sender": "ada@engines.example", "recipient": "sales@ours.example", "from": "ada@engines.example",
        "message-headers": headers, "body-plain": "Yes", "timestamp": str(MOMENT), "token": "token",
    }  # fmt: skip
    assert Client().post(url, {**body, "signature": "0" * 64}).status_code == 401
    assert Client().post(url, {**body, "signature": good}).status_code == 200
    assert Touchpoint.objects.get().kind == "email_reply"
