"""Channel rules: sentences, preview, saving as versions, and applying them to past touches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.actions.channels.reclassify_touches import reclassify_touches
from leads.models import ChannelRule, ChannelRuleVersion, JobRun, LeadEvent, TouchChannelChange, User
from leads.pure.channels.channels import DEFAULT_RULES
from tests.leads.factories import CampaignFactory, LeadFactory, TouchpointFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
PAGE = "/channels/rules"
NEWSLETTER = {
    "conditions-shape": "1",
    "conditions-0-0-property": "medium",
    "conditions-0-0-operator": "is",
    "conditions-0-0-values": "newsletter",
}
RULE = {"channel": "events", "position": "1", **NEWSLETTER}
NOTHING = {"channel": "events", "position": "1", "conditions-shape": "0"}


@pytest.fixture
def touches() -> list[Any]:
    lead = LeadFactory(channel=channel("email"))
    at = timezone.now() - timedelta(days=3)
    kept = {"lead": lead, "campaign": None, "utm_medium": "newsletter", "utm_source": "weekly"}
    return [
        TouchpointFactory(**kept, channel=channel("email"), occurred_at=at),
        TouchpointFactory(
            **kept, channel=channel("webinar"), occurred_at=at + timedelta(hours=1)
        ),  # its sender said so
        TouchpointFactory(lead=lead, campaign=CampaignFactory(), channel=channel("email"), occurred_at=at),
    ]


def page(client: Client, url: str = PAGE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_rules_are_sentences_with_counts(client: Client, director: User, touches: list[Any]) -> None:
    client.force_login(director)
    text = page(client)
    assert "2 touchpoints said how they came" in text
    assert "contains “retarget”" in text
    assert "no touchpoint met it" in text
    assert "shadowed" in text
    assert "Add a rule" not in text
    assert "Apply to past touchpoints" not in text
    assert client.get(f"{PAGE}/1").status_code == 403 == client.post(f"{PAGE}/1/move", {"to": "down"}).status_code


def test_an_address_is_tested(client: Client, director: User) -> None:
    client.force_login(director)
    text = page(client, f"{PAGE}?address=https://x.example/?utm_medium=cpc%26utm_source=google")
    assert "<strong>Paid search</strong>, by" in text
    assert "<strong>Organic search</strong>" in page(client, f"{PAGE}?referrer=https://www.google.com/")


def test_a_change_is_tried_before_it_is_saved(client: Client, admin_user: User, touches: list[Any]) -> None:
    client.force_login(admin_user)
    answer = client.post(f"{PAGE}/add", RULE)
    text = " ".join(answer.content.decode().split())
    assert answer.status_code == 200
    assert "1 touchpoint would have another channel" in text
    assert "Email → Events" in text
    assert "source weekly" in text
    assert not ChannelRuleVersion.objects.exists()
    fragment = client.post(f"{PAGE}/add", RULE, headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<section class="card" id="channel-preview"')


def test_saving_makes_dated_versions(client: Client, admin_user: User, touches: list[Any]) -> None:
    client.force_login(admin_user)
    text = client.post(f"{PAGE}/add", {**RULE, "do": "save"}, follow=True).content.decode()
    assert "Saved as version 2" in text
    assert "1 touchpoints of the last 90 days" in text
    first, second = ChannelRuleVersion.objects.order_by("number")
    assert (len(first.rules), len(second.rules)) == (len(DEFAULT_RULES), len(DEFAULT_RULES) + 1)
    is_newsletter = {"property": "medium", "operator": "is", "values": ["newsletter"]}
    assert second.rules[0] == [1, "events", {"schema": 1, "match": "all", "items": [is_newsletter]}]
    assert second.moves == 1
    assert second.saved_by == admin_user
    assert "Rule 1 added: Events" in second.change
    assert ChannelRule.history.filter(history_type="+").count() == 1
    assert list(ChannelRule.objects.order_by("position").values_list("position", flat=True)) == list(
        range(1, len(DEFAULT_RULES) + 2)
    )
    client.post(f"{PAGE}/1/move", {"to": "down"})
    assert ChannelRule.objects.get(position=2).conditions["items"] == [is_newsletter]
    text = client.post(f"{PAGE}/2", {"do": "preview-removal"}).content.decode()
    assert "Remove rule 2" in text
    client.post(f"{PAGE}/2", {"do": "remove"})
    assert [rule.channel.key for rule in ChannelRule.objects.select_related("channel").order_by("position")] == [
        rule.channel for rule in DEFAULT_RULES
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"conditions-shape": "0"}, "no rule after it would ever be"),
        ({"conditions-0-0-values": ""}, "Some conditions are not complete"),
        ({"position": "0"}, "greater than or equal to 1"),
        ({"channel": "none"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_refused(client: Client, admin_user: User, given: dict[str, str], says: str) -> None:
    client.force_login(admin_user)
    answer = client.post(f"{PAGE}/add", {**RULE, **given, "do": "save"})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ChannelRule.objects.count() == len(DEFAULT_RULES)


def test_an_unchanged_rule_is_no_version(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    last = DEFAULT_RULES[-1]
    given = {**NOTHING, "channel": last.channel, "position": str(last.position), "do": "save"}
    assert "Nothing would change" in client.post(f"{PAGE}/{last.position}", given).content.decode()
    assert client.get(f"{PAGE}/99").status_code == 404 == client.post(f"{PAGE}/99/move").status_code


def test_a_rule_moves_by_one_place(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    assert "Nothing would change" in client.post(f"{PAGE}/1/move", {"to": "up"}, follow=True).content.decode()
    assert "Saved as version 2" in client.post(f"{PAGE}/3/move", {"to": "up"}, follow=True).content.decode()
    found = ChannelRule.objects.select_related("channel").order_by("position")
    assert [rule.channel.key for rule in found[:3]] == ["retargeting", "webinar", "retargeting"]


def test_past_touches_follow_on_request_only(client: Client, admin_user: User, touches: list[Any]) -> None:
    client.force_login(admin_user)
    assert "never changed" in client.post(f"{PAGE}/apply", follow=True).content.decode()
    client.post(f"{PAGE}/add", {**RULE, "do": "save"})
    touches[0].refresh_from_db()
    assert touches[0].channel.key == "email"
    text = client.post(f"{PAGE}/apply", follow=True).content.decode()
    assert "Applying the rules to past touchpoints" in text
    assert "being looked at already" in client.post(f"{PAGE}/apply", follow=True).content.decode()
    assert reclassify_touches(clock=timezone.now) == 1
    found = [touch.channel.key for touch in touches if touch.refresh_from_db() is None]
    assert found == ["events", "webinar", "email"]
    change = TouchChannelChange.objects.get()
    assert (change.from_channel.key, change.to_channel.key, change.touchpoint) == ("email", "events", touches[0])
    lead = touches[0].lead
    lead.refresh_from_db()
    assert lead.channel.key == "events"
    assert LeadEvent.objects.filter(lead=lead, kind="updated").count() == 1
    assert JobRun.objects.get(kind="channel_rules").state == "done"
    answer = client.get(f"{PAGE}/progress")
    assert answer.headers["HX-Refresh"] == "true"
    assert "1 touchpoints changed their channel" in page(client)
    assert reclassify_touches(clock=timezone.now) == 0


def test_applied_rules_are_taken_back_exactly(client: Client, admin_user: User, touches: list[Any]) -> None:
    client.force_login(admin_user)
    # Its sender named what the new rule gives, too: neither way may move it.
    kept = {"lead": touches[0].lead, "campaign": None, "utm_medium": "newsletter", "utm_source": "weekly"}
    named = TouchpointFactory(**kept, channel=channel("events"), occurred_at=timezone.now() - timedelta(days=2))

    def channels() -> list[str]:
        return [touch.channel.key for touch in [*touches, named] if touch.refresh_from_db() is None]

    before = channels()
    client.post(f"{PAGE}/add", {**RULE, "do": "save"})
    client.post(f"{PAGE}/apply")
    assert reclassify_touches(clock=timezone.now) == 1
    assert channels() != before
    later = TouchpointFactory(**kept, channel=channel("events"), recorded_at=timezone.now(), occurred_at=timezone.now())
    text = page(client, f"{PAGE}/versions/1/take-back")
    assert "When medium is newsletter: Events" in text
    assert "Events → Email" in text
    assert ChannelRuleVersion.objects.count() == 2
    url = f"{PAGE}/versions/1/take-back"
    assert "Look at what would move now" in client.post(url, {"seen": "1"}, follow=True).content.decode()
    text = client.post(url, {"seen": "2", "do": "apply"}, follow=True).content.decode()
    assert "Version 3, taken back to version 1" in text
    assert "Applying the rules to past touchpoints" in text
    assert reclassify_touches(clock=timezone.now) == 2
    later.refresh_from_db()
    assert channels() == before
    assert later.channel.key == "email"
    touches[0].lead.refresh_from_db()
    assert touches[0].lead.channel.key == "email"
    first, _, third = ChannelRuleVersion.objects.order_by("number")
    assert (third.rules, third.taken_back_to, third.saved_by) == (first.rules, 1, admin_user)
    assert JobRun.objects.filter(kind="channel_rules", state="done").count() == 2
    text = page(client)
    assert "Take back to version 2" in text
    assert "Take back to version 1" not in text
    assert "Nothing changes" in page(client, url)
    assert client.get(f"{PAGE}/versions/9/take-back").status_code == 404


def test_rules_of_a_channel_that_is_gone_are_not_taken_back(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    client.post(f"{PAGE}/add", {**RULE, "do": "save"})
    ChannelRuleVersion.objects.filter(number=1).update(rules=[[1, "pigeons", "", "", "", ""]])
    text = client.post(f"{PAGE}/versions/1/take-back", {"seen": "2"}, follow=True).content.decode()
    assert "There is no channel pigeons any more" in text
    assert ChannelRuleVersion.objects.count() == 2


def test_more_touches_ask_no_more_queries(client: Client, director: User, touches: list[Any]) -> None:
    client.force_login(director)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client)
        return len(queries)

    page(client)
    before = count()
    for number in range(5):
        TouchpointFactory(
            lead=touches[0].lead,
            campaign=None,
            channel=channel("email"),
            utm_source=f"s{number}",
            occurred_at=timezone.now(),
        )
    assert count() == before


def test_versions_from_before_rules_had_conditions_are_read_and_taken_back(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    client.post(f"{PAGE}/add", {**RULE, "do": "save"})
    ChannelRuleVersion.objects.filter(number=1).update(
        rules=[[1, "email", "", "news*|mail", "", ""], [2, "direct", "", "", "", ""]]
    )
    assert "When medium begins with “news” or is “mail”" in page(client, f"{PAGE}/versions/1/take-back")
    client.post(f"{PAGE}/versions/1/take-back", {"seen": "2"})
    like = {"property": "medium", "operator": "like", "values": ["news*", "mail"]}
    assert [rule.conditions["items"] for rule in ChannelRule.objects.order_by("position")] == [[like], []]


def test_a_button_of_the_builder_gives_the_form_back(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    answer = client.post(f"{PAGE}/add", {**RULE, "conditions-do": "add:0"}, headers={"HX-Request": "true"})
    assert 'name="conditions-0-1-property"' in answer.content.decode()
    assert not ChannelRuleVersion.objects.exists()
