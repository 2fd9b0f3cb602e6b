"""Capture: who is who, what is kept, and what a repeat changes (nothing)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.actions.capture.capture import Captured, CaptureRefused, capture_batch, capture_lead
from leads.models import (
    Account,
    Campaign,
    Company,
    Consent,
    Lead,
    LeadEvent,
    LifecyclePassage,
    Submission,
    Touchpoint,
)
from leads.pure.capture.captured import CapturedConsent, Utm
from tests.leads.actions.capture.items import AT, event, item
from tests.leads.factories import CampaignFactory, LeadFactory
from tests.leads.factories import channel as channel_of

pytestmark = pytest.mark.django_db


def capture(captured_item, at=AT) -> Captured:
    return capture_lead(item=captured_item, source="website", at=at)


def test_a_new_person_becomes_a_lead_with_everything_that_belongs_to_it() -> None:
    consent = CapturedConsent("I agree to be called.", AT, "consent")

    captured = capture(item(first_name="Ada", company="Analytical Engines", consent=consent, payload={"raw": 1}))

    lead = Lead.objects.get()
    assert captured.is_new
    assert not captured.is_repeat
    assert (lead.email, lead.first_name, lead.stage, lead.captured_at) == ("ada@engines.example", "Ada", "lead", AT)
    assert lead.intake_due_at == AT
    assert (lead.account.name, lead.account.domain) == ("Analytical Engines", "engines.example")
    assert (lead.campaign.code, lead.campaign.is_discovered, lead.campaign.name) == ("q4-search", True, "Q4-Search")
    assert lead.channel.key == lead.campaign.channel.key == "paid-search"
    assert Touchpoint.objects.get().campaign == lead.campaign
    assert Consent.objects.get().text == "I agree to be called."
    assert list(LeadEvent.objects.values_list("kind", flat=True)) == ["captured"]
    assert list(LifecyclePassage.objects.values_list("from_stage", "to_stage")) == [("", "lead")]
    submission = Submission.objects.get()
    assert (submission.payload, submission.state, submission.lead) == ({"raw": 1}, "accepted", lead)


def test_a_repeated_delivery_changes_nothing_but_is_kept() -> None:
    first = capture(item())
    Lead.objects.update(intake_due_at=None)

    again = capture(item(), AT + timedelta(minutes=1))

    assert again.is_repeat
    assert not again.is_new
    assert again.touchpoint == first.touchpoint
    lead = Lead.objects.get()
    assert (lead.changed_at, lead.intake_due_at) == (AT, None)
    assert Touchpoint.objects.count() == LeadEvent.objects.count() == 1
    assert Submission.objects.count() == 2


def test_a_person_is_found_by_external_id_and_gets_their_email() -> None:
    capture(item(email="", external_id="crm-7", first_name="Ada"))

    captured = capture(item(external_id="crm-7", event=event(name="Second form")))

    assert not captured.is_new
    assert list(Lead.objects.values_list("email", "external_id", "first_name")) == [
        ("ada@engines.example", "crm-7", "Ada")
    ]


@pytest.mark.parametrize(
    ("email", "external_id", "pointer"),
    [
        ("ada@engines.example", "crm-2", "/external_id"),  # two people
        ("third@engines.example", "crm-2", "/email"),  # the id is known with another e-mail
        ("ada@engines.example", "crm-3", "/external_id"),  # the e-mail is known with another id
    ],
)
def test_contradicting_identities_are_refused_and_kept(email: str, external_id: str, pointer: str) -> None:
    capture(item(external_id="crm-1"))
    capture(item(email="bob@engines.example", external_id="crm-2"))

    with pytest.raises(CaptureRefused) as refused:
        capture(item(email=email, external_id=external_id))

    assert refused.value.pointer == pointer
    assert Lead.objects.count() == 2
    (outcome,) = capture_batch(items=[item(email=email, external_id=external_id)], source="website", at=AT)
    assert isinstance(outcome, CaptureRefused)
    assert Submission.objects.filter(state="rejected").latest("pk").errors[0]["pointer"] == pointer


def test_the_newest_event_wins_and_an_older_one_only_fills_gaps() -> None:
    capture(item(job_title="CTO", phone=""))

    capture(item(job_title="Intern", phone="+49 30 1", event=event(occurred_at=AT - timedelta(days=3))))
    assert Lead.objects.values_list("job_title", "phone").get() == ("CTO", "+49 30 1")

    capture(item(job_title="CEO", event=event(occurred_at=AT + timedelta(days=1))), AT + timedelta(days=1))
    lead = Lead.objects.get()
    assert (lead.job_title, lead.phone) == ("CEO", "+49 30 1")
    assert LeadEvent.objects.filter(kind="updated").latest("pk").details == {"fields": ["job_title"]}


def test_an_earlier_touch_that_arrives_late_becomes_the_first_touch() -> None:
    capture(item())

    capture(item(event=event(occurred_at=AT - timedelta(days=9), utm=Utm("newsletter", "email", "august-mail"))))

    lead = Lead.objects.get()
    assert (lead.channel.key, lead.campaign.code) == ("email", "august-mail")


def test_a_merged_person_leads_to_the_winner() -> None:
    winner = LeadFactory(email="ada@home.example")
    LeadFactory(email="ada@engines.example", merged_into=LeadFactory(merged_into=winner))

    captured = capture(item(job_title="CTO"))

    assert captured.lead == winner
    assert not captured.is_new
    winner.refresh_from_db()
    assert (winner.email, winner.job_title) == ("ada@home.example", "CTO")


def test_free_mail_and_our_own_people_make_no_account() -> None:
    Company.objects.update(internal_domains=["ours.example"])

    free = capture(item(email="ada@gmail.com"))
    ours = capture(item(email="jana@ours.example"))

    assert free.lead.account is None
    assert ours.lead.account is None
    assert not Account.objects.exists()
    assert (free.touchpoint.exclusion, ours.touchpoint.exclusion) == ("", "internal")
    assert ours.lead.channel is None  # a touch that earns nothing is nobody's first touch


@pytest.mark.parametrize(
    ("kind", "utm", "channel", "stage"),
    [
        ("email_signup", Utm(), "direct", "subscriber"),
        ("email_click", Utm(), "email", "subscriber"),
        ("webinar_registration", Utm(), "webinar", "lead"),
        ("form_submission", Utm("linkedin", "paid-social", ""), "paid-social", "lead"),
        ("form_submission", Utm("", "", "Spring-Fair"), "events", "lead"),  # a known campaign says more than no tag
    ],
)
def test_channel_and_stage_follow_from_the_touch(kind: str, utm: Utm, channel: str, stage: str) -> None:
    CampaignFactory(code="spring-fair", channel=channel_of("events"))

    captured = capture(item(event=event(kind, utm=utm)))

    assert (captured.lead.channel.key, captured.lead.stage) == (channel, stage)


def test_tags_of_the_landing_page_count_when_none_were_sent() -> None:
    page = "https://our.example/?utm_source=google&utm_medium=cpc&utm_campaign=Brand-DE"

    touch = capture(item(event=event(utm=Utm(), landing_page=page))).touchpoint

    assert (touch.campaign.code, touch.channel.key) == ("brand-de", "brand-search")


@pytest.mark.parametrize(
    ("page", "code", "channel_key"),
    [
        ("https://our.example/?UTM_SOURCE=google&UTM_MEDIUM=cpc&UTM_CAMPAIGN=q4", "q4", "paid-search"),
        ("https://our.example/?utm_campaign=spring-fair&gclid=1", "spring-fair", "paid-search"),
        ("https://our.example/?utm_campaign=spring-fair", "spring-fair", "events"),
    ],
)
def test_the_landing_page_tells_campaign_and_channel(page: str, code: str, channel_key: str) -> None:
    CampaignFactory(code="spring-fair", channel=channel_of("events"))
    touch = capture(item(event=event(utm=Utm(), landing_page=page))).touchpoint
    assert touch.campaign.code == code
    assert touch.channel.key == channel_key


def test_an_inquiry_makes_a_lead_of_a_subscriber() -> None:
    capture(item(event=event("email_signup")))
    assert Lead.objects.get().stage == "subscriber"

    capture(item(event=event(occurred_at=AT + timedelta(hours=1))), AT + timedelta(hours=1))

    assert Lead.objects.get().stage == "lead"
    assert list(LifecyclePassage.objects.order_by("pk").values_list("from_stage", "to_stage")) == [
        ("", "subscriber"),
        ("subscriber", "lead"),
    ]


def test_one_person_twice_in_a_batch_is_one_lead() -> None:
    items = [
        item(first_name="Ada"),
        item(),  # the same delivery again
        item(email="", external_id="crm-1"),
        item(external_id="crm-9", event=event(name="Other form")),
        item(email="eve@else.example", external_id="crm-9"),
    ]

    outcomes = capture_batch(items=items, source="website", at=AT)

    assert [isinstance(outcome, CaptureRefused) for outcome in outcomes] == [False, False, False, False, True]
    captured = [outcome for outcome in outcomes if isinstance(outcome, Captured)]
    assert [(one.is_new, one.is_repeat) for one in captured] == [
        (True, False),
        (False, True),
        (True, False),
        (False, False),
    ]
    assert Lead.objects.count() == 2
    assert Touchpoint.objects.count() == 3


def test_a_large_batch_takes_few_queries(django_assert_max_num_queries) -> None:
    items = [
        item(email=f"person{n}@company{n % 300}.example", event=event(utm=Utm("google", "cpc", f"c{n % 20}")))
        for n in range(1000)
    ]

    with django_assert_max_num_queries(100):  # SQLite inserts in slices of 999 parameters
        outcomes = capture_batch(items=items, source="website", at=AT)

    assert all(isinstance(outcome, Captured) and outcome.is_new for outcome in outcomes)
    assert (Lead.objects.count(), Account.objects.count(), Campaign.objects.count()) == (1000, 300, 20)


def test_more_than_a_thousand_items_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 1000"):
        capture_batch(items=[item()] * 1001, source="website", at=AT)
