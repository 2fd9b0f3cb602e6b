"""Email services say what became of mails: as each writes it, at one address."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.actions.capture.capture import capture_lead
from leads.actions.capture.suppress import apply_late_suppressions
from leads.actions.capture.trace_mails import forget_traces
from leads.actions.identity.revise_leads import Revision, revise_leads
from leads.models import Company, Lead, LeadEvent, Submission, SuppressedAddress, Touchpoint
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.queries.mail import opt_outs
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
SECRET = "0123456789abcdef0123456789abcdef"
SIGNING = "key-of-mailgun"
MOMENT = 1_794_000_000  # 6 November 2026


@pytest.fixture(autouse=True)
def address(settings: Any, company: Company) -> None:
    settings.EMAIL_WEBHOOK_SECRET = SECRET


@pytest.fixture
def lead() -> Lead:
    made: Lead = LeadFactory(email="ada@engines.example")
    return made


def tell(service: str, body: Any, secret: str = SECRET) -> int:
    return Client().post(f"/webhooks/email/{service}/{secret}", body, content_type="application/json").status_code


def sendgrid(event: str, email: str = "ada@engines.example", **more: Any) -> list[dict[str, Any]]:
    return [{"event": event, "email": email, "timestamp": MOMENT, "sg_event_id": "one", "sg_message_id": "m", **more}]


def mailgun(event: str, signing: str = SIGNING, **more: Any) -> dict[str, Any]:
    signature = hmac.new(signing.encode(), f"{MOMENT}token".encode(), hashlib.sha256).hexdigest()
    data = {"event": event, "recipient": "ada@engines.example", "timestamp": MOMENT, "id": "e1", **more}
    return {"signature": {"timestamp": str(MOMENT), "token": "token", "signature": signature}, "event-data": data}


def kinds(lead: Lead) -> list[str]:
    return list(Touchpoint.objects.filter(lead=lead).order_by("pk").values_list("kind", flat=True))


HARD = {"raw_rcpt_to": "ada@engines.example", "bounce_class": "10", "timestamp": str(MOMENT), "event_id": "9"}
SOFT = {"bounce_class": "22", "timestamp": str(MOMENT), "event_id": "9"}
POSTMARK = {
    "RecordType": "SubscriptionChange",
    "Recipient": "ada@engines.example",
    "ChangedAt": "2026-11-06T10:00:00Z",
    "SuppressSending": True,
    "SuppressionReason": "ManualSuppression",
}


@pytest.mark.parametrize(
    ("service", "body", "kind"),
    [
        ("sendgrid", sendgrid("unsubscribe"), "email_unsubscribe"),
        ("sendgrid", sendgrid("spamreport"), "email_complaint"),
        ("sendgrid", sendgrid("bounce", type="bounce"), "email_bounce"),
        ("sendgrid", sendgrid("dropped", reason="Bounced Address"), "email_bounce"),
        ("sendgrid", sendgrid("open"), "email_open"),
        ("sendgrid", sendgrid("click", url="https://engines.example/prices"), "email_click"),
        ("postmark", POSTMARK, "email_unsubscribe"),
        ("sparkpost", [{"msys": {"message_event": {"type": "bounce", **HARD}}}], "email_bounce"),
        ("mailjet", {"event": "unsub", "time": MOMENT, "email": "Ada@Engines.example"}, "email_unsubscribe"),
        ("brevo", {"event": "spam", "email": "ada@engines.example", "ts_epoch": MOMENT * 1000}, "email_complaint"),
    ],
)
def test_an_event_becomes_a_touchpoint(lead: Lead, service: str, body: Any, kind: str) -> None:
    assert tell(service, body) == 200
    assert kinds(lead) == [kind]
    touch = Touchpoint.objects.get(lead=lead)
    assert touch.channel.key == "email"
    assert tell(service, body) == 200
    assert kinds(lead) == [kind]


def test_after_an_unsubscription_no_mail_goes_out(lead: Lead) -> None:
    tell("sendgrid", sendgrid("unsubscribe"))
    assert opt_outs([lead])[lead.pk].reason == "unsubscribed"


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("sendgrid", sendgrid("delivered")),
        ("sendgrid", sendgrid("deferred")),
        ("sendgrid", sendgrid("bounce", type="blocked")),
        ("postmark", {"RecordType": "Bounce", "Type": "SoftBounce", "Email": "ada@engines.example", "ID": 4}),
        ("brevo", {"event": "soft_bounce", "email": "ada@engines.example"}),
        ("mailjet", {"event": "bounce", "time": MOMENT, "email": "ada@engines.example", "hard_bounce": False}),
        ("sparkpost", [{"msys": {"message_event": {"type": "bounce", "raw_rcpt_to": "ada@engines.example", **SOFT}}}]),
    ],
)
def test_what_says_nothing_of_the_person_is_left(lead: Lead, service: str, body: Any) -> None:
    assert tell(service, body) == 200
    assert kinds(lead) == []


def test_a_signature_is_verified(lead: Lead, settings: Any) -> None:
    settings.EMAIL_WEBHOOK_SIGNING_KEY = SIGNING
    assert tell("mailgun", mailgun("complained", signing="another")) == 401
    assert kinds(lead) == []
    assert tell("mailgun", mailgun("complained")) == 200
    assert tell("mailgun", mailgun("failed", severity="temporary")) == 200
    assert kinds(lead) == ["email_complaint"]


def test_an_unknown_address_is_kept_aside_once_and_makes_nobody_a_lead() -> None:
    for _ in range(2):
        assert tell("sendgrid", sendgrid("unsubscribe", email="grace@looms.example")) == 200
    assert not Lead.objects.exists()
    kept = Submission.objects.get()
    assert (kept.state, kept.source) == ("rejected", "sendgrid")
    assert kept.payload["email"] == "grace@looms.example"
    assert kept.payload["event"] == "email_unsubscribe"
    assert kept.errors[0]["code"] == "unknown_address"


def test_an_opt_out_of_an_unknown_address_holds_for_whoever_becomes_a_lead_with_it() -> None:
    for kind in ("unsubscribe", "open"):
        tell("sendgrid", sendgrid(kind, email="Grace@Looms.example", sg_event_id=kind))
    kept = SuppressedAddress.objects.get()
    assert kept.address_hash == hashlib.sha256(b"grace@looms.example").hexdigest()
    event = CapturedEvent("form_submission", datetime(2026, 11, 20, tzinfo=UTC))
    for _ in range(2):
        found = capture_lead(item=CapturedItem(event, email="grace@looms.example"), source="form", at=event.occurred_at)
    assert opt_outs([found.lead])[found.lead.pk].reason == "unsubscribed"
    touch = Touchpoint.objects.get(kind="email_unsubscribe")
    assert (touch.lead, touch.exclusion, touch.channel.key) == (found.lead, "opt_out", "email")
    assert touch.occurred_at == datetime.fromtimestamp(MOMENT, tz=UTC)
    tell("sendgrid", sendgrid("unsubscribe", email="grace@looms.example"))
    assert Touchpoint.objects.filter(kind="email_unsubscribe").count() == 1
    other = capture_lead(item=CapturedItem(event, email="ada@looms.example"), source="form", at=event.occurred_at)
    assert opt_outs([other.lead]) == {}


def test_an_opt_out_in_the_instant_of_the_first_capture_is_found_by_the_sweep() -> None:
    """Neither transaction saw what the other had not committed yet."""
    at = timezone.now()
    lead, other = LeadFactory(email="grace@looms.example", changed_at=at), LeadFactory(changed_at=at)
    tell("sendgrid", sendgrid("unsubscribe", email="hedy@looms.example"))
    SuppressedAddress.objects.update(address_hash=hashlib.sha256(b"grace@looms.example").hexdigest())
    assert opt_outs([lead]) == {}
    assert apply_late_suppressions(at=at) == 1
    assert opt_outs([lead, other])[lead.pk].reason == "unsubscribed"
    assert opt_outs([other]) == {}
    assert LeadEvent.objects.get(kind="updated").details == {"fields": ["is_unsubscribed"]}  # which the CRMs hear of
    assert apply_late_suppressions(at=at) == 0
    Touchpoint.objects.filter(kind="email_unsubscribe").delete()
    assert apply_late_suppressions(at=at + timedelta(hours=1)) == 0  # not every lead, every minute


def test_so_it_does_when_a_lead_gets_such_an_address_from_the_crm() -> None:
    tell("sendgrid", sendgrid("bounce", email="grace@looms.example", type="bounce"))
    lead = LeadFactory(email=None, external_id="7")
    at = datetime(2026, 11, 20, tzinfo=UTC)
    revise_leads(revisions=[Revision(lead.pk, {"email": "grace@looms.example"})], source="CRM", at=at)
    lead.refresh_from_db()
    assert opt_outs([lead])[lead.pk].reason == "bounced"


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ({"event": "unsubscribe", "email": "ada@engines.example", "id": 3}, None, 1),
        (
            {"event": "unsubscribe", "email": "ada@engines.example"},
            {"event": "spam", "email": "ada@engines.example"},
            2,
        ),
    ],
)
def test_an_event_without_a_time_is_taken_once(lead: Lead, first: Any, second: Any, taken: int) -> None:
    for body in (first, first, second or first, second or first):
        assert tell("brevo", body) == 200
    assert len(kinds(lead)) == taken


@pytest.mark.parametrize(
    ("service", "body", "kind"),
    [
        ("resend", {"type": "email.complained"}, "email_complaint"),
        ("resend", {"type": "email.bounced", "data": {"bounce": {"type": "Permanent"}}}, "email_bounce"),
        ("resend", {"type": "email.bounced", "data": {"bounce": {"type": "Transient"}}}, ""),
        ("mailtrap", {"event": "unsubscribe"}, "email_unsubscribe"),
        ("mailtrap", {"event": "bounce"}, "email_bounce"),
        ("mailtrap", {"event": "soft bounce"}, ""),
    ],
)
def test_more_services(lead: Lead, service: str, body: dict[str, Any], kind: str) -> None:
    if service == "resend":
        data = {"to": ["ada@engines.example"], "email_id": "1", "subject": "x", **body.get("data", {})}
        sent: dict[str, Any] = {**body, "created_at": "2026-11-06T10:00:00Z", "data": data}
    else:
        told = {"email": "ada@engines.example", "timestamp": MOMENT, "event_id": "e", "message_id": "m", **body}
        sent = {"events": [told]}
    assert tell(service, sent) == 200
    assert kinds(lead) == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("service", "body", "secret", "status"),
    [
        ("sendgrid", sendgrid("open"), "another", 404),
        ("pigeons", sendgrid("open"), SECRET, 404),
        ("sendgrid", "{", SECRET, 400),
        ("sendgrid", {"event": 3}, SECRET, 400),
        ("postmark", [1], SECRET, 400),
        ("mailgun", mailgun("complained"), SECRET, 400),  # nobody gave the key
    ],
)
def test_what_is_not_ours_or_not_readable_is_refused(
    lead: Lead, service: str, body: Any, secret: str, status: int
) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    assert tell(service, raw, secret) == status
    assert kinds(lead) == []


def test_without_a_secret_there_is_no_such_address(settings: Any) -> None:
    settings.EMAIL_WEBHOOK_SECRET = ""
    assert tell("sendgrid", sendgrid("open"), "") == 404
    assert tell("sendgrid", sendgrid("open")) == 404


def test_services_that_look_first_find_the_address() -> None:
    assert Client().head(f"/webhooks/email/mandrill/{SECRET}").status_code == 200
    assert Client().head("/webhooks/email/mandrill/another").status_code == 404


def clicked(number: int, seconds: float, **more: Any) -> dict[str, Any]:
    (event,) = sendgrid("click", url=f"https://engines.example/{number}")
    return {**event, "timestamp": MOMENT + seconds, "sg_event_id": f"click-{number}", "sg_message_id": "m1", **more}


def test_a_click_within_seconds_of_the_delivery_is_kept_and_worth_nothing(lead: Lead) -> None:
    (delivered,) = sendgrid("delivered", sg_message_id="m1", sg_event_id="d")
    assert tell("sendgrid", [delivered, clicked(1, 2), clicked(2, 300)]) == 200
    rows = Touchpoint.objects.filter(lead=lead).order_by("occurred_at")
    assert [(row.kind, row.exclusion) for row in rows] == [("email_click", "mail_scanner"), ("email_click", "")]


def test_links_followed_at_once_are_a_machines_also_where_they_come_one_by_one(lead: Lead) -> None:
    for number in range(3):
        assert tell("sendgrid", [clicked(number, 600 + number)]) == 200
    assert list(Touchpoint.objects.filter(lead=lead).values_list("exclusion", flat=True)) == ["mail_scanner"] * 3
    lead.refresh_from_db()
    assert lead.intake_due_at is not None  # the score follows
    # A repeat changes nothing.
    assert tell("sendgrid", [clicked(2, 602)]) == 200
    assert Touchpoint.objects.filter(lead=lead).count() == 3


def test_a_delivery_that_is_told_late_marks_what_came_before_it(lead: Lead) -> None:
    tell("sendgrid", [clicked(1, 3)])
    assert Touchpoint.objects.get(lead=lead).exclusion == ""
    (delivered,) = sendgrid("delivered", sg_message_id="m1", sg_event_id="d")
    tell("sendgrid", [delivered])
    assert Touchpoint.objects.get(lead=lead).exclusion == "mail_scanner"


def test_what_comes_from_a_scanners_network_is_marked(lead: Lead) -> None:
    tell("sendgrid", [clicked(1, 4000, ip="104.47.12.1"), clicked(2, 4100, ip="198.51.100.9")])
    rows = Touchpoint.objects.filter(lead=lead).order_by("occurred_at")
    assert [row.exclusion for row in rows] == ["mail_scanner", ""]


def test_the_score_and_the_figures_leave_machines_out(lead: Lead) -> None:
    tell("sendgrid", [clicked(1, 4000, ip="104.47.12.1")])
    tell("sendgrid", [clicked(2, 5000, ip="198.51.100.9")])
    assert Touchpoint.objects.genuine().filter(lead=lead).count() == 1


def test_old_traces_are_forgotten(lead: Lead) -> None:
    tell("sendgrid", [clicked(1, 600)])
    at = timezone.now()
    assert forget_traces(at=at + timedelta(days=44)) == 0
    assert forget_traces(at=at + timedelta(days=46)) == 1
