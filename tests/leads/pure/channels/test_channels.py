"""Visits find their channel."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.capture.captured import CapturedEvent, Utm, campaign_code, with_tags
from leads.pure.channels.channels import (
    DEFAULT_CHANNELS,
    DEFAULT_RULES,
    ChannelMatch,
    ChannelRule,
    Visit,
    classify,
)
from leads.pure.channels.globs import Globs


def written(position: int, channel: str, **patterns: str) -> ChannelRule:
    return ChannelRule(position, channel, Globs(position, channel, **patterns).conditions)


@pytest.mark.parametrize(
    ("visit", "channel"),
    [
        (Visit("google", "cpc", "q4-generic"), "paid-search"),
        (Visit("Google", "CPC", "Q4-Brand"), "brand-search"),
        (Visit("google", "cpc", "q4-non-brand"), "paid-search"),
        (Visit("google", "cpc"), "paid-search"),
        (Visit("linkedin", "cpc"), "paid-social"),
        (Visit("facebook", "paid_social"), "paid-social"),
        (Visit("linkedin", "social"), "organic-social"),
        (Visit("linkedin"), "organic-social"),
        (Visit("newsletter", "email"), "email"),
        (Visit("zoom", "webinar"), "webinar"),
        (Visit("saastr", "event"), "events"),
        (Visit("adroll", "retargeting"), "retargeting"),
        (Visit("google", "display", "remarketing-q4"), "retargeting"),
        (Visit("google", "display"), "display"),
        (Visit("acme", "partner"), "partner"),
        (Visit("blog", "content"), "content"),
        (Visit("google", "organic"), "organic-search"),
        (Visit("crunch", "referral"), "referral"),
        (Visit("mystery", "carrier-pigeon"), "other"),
        (Visit(referrer="https://www.google.de/"), "organic-search"),
        (Visit(referrer="https://duckduckgo.com/"), "organic-search"),
        (Visit(referrer="https://mail.google.com/mail/u/0"), "email"),
        (Visit(referrer="https://l.facebook.com/l.php"), "organic-social"),
        (Visit(referrer="https://t.co/x"), "organic-social"),
        (Visit(referrer="https://phoenix.com/x"), "referral"),
        (Visit(referrer="https://notgoogle.com/x"), "referral"),
        (Visit(), "direct"),
        (Visit(landing_page="https://acme.de/?gclid=abc", referrer="https://www.google.com/"), "paid-search"),
        (Visit(landing_page="https://acme.de/?utm_source=li&utm_medium=paid-social"), "paid-social"),
        (Visit(landing_page="https://acme.de/pricing", referrer="https://acme.de/"), "direct"),
        (Visit(referrer="http://["), "direct"),
    ],
)
def test_default_rules(visit: Visit, channel: str) -> None:
    assert classify(visit, DEFAULT_RULES, own_hosts=["www.acme.de"]).channel_key == channel


PAGE = "https://acme.de/pricing"


@pytest.mark.parametrize(
    ("visit", "channel"),
    [
        (Visit(landing_page=f"{PAGE}?UTM_SOURCE=google&UTM_MEDIUM=cpc&UTM_CAMPAIGN=q4"), "paid-search"),
        (Visit(landing_page=f"{PAGE}?Utm_Source=newsletter&utm_Medium=email"), "email"),
        (Visit(landing_page=f"{PAGE}?utm_source=google&amp;utm_medium=cpc&amp;utm_campaign=q4"), "paid-search"),
        (Visit(landing_page=f"{PAGE}?utm_source=&UTM_SOURCE=linkedin"), "organic-social"),
        (Visit(landing_page=f"{PAGE}?GCLID=abc"), "paid-search"),
    ],
)
def test_parameters_are_read_without_regard_to_case(visit: Visit, channel: str) -> None:
    assert classify(visit, DEFAULT_RULES).channel_key == channel


@pytest.mark.parametrize(
    ("query", "channel"),
    [
        ("utm_campaign=x&gclid=1", "paid-search"),
        ("utm_source=google&gclid=1", "paid-search"),
        ("utm_source=bing&msclkid=1", "paid-search"),
        ("utm_source=google&gbraid=1", "paid-search"),
        ("utm_source=google&wbraid=1", "paid-search"),
        ("utm_source=yandex&yclid=1", "paid-search"),
        ("utm_source=google&dclid=1", "display"),
        ("utm_source=linkedin&li_fat_id=1", "paid-social"),
        ("utm_campaign=x&ttclid=1", "paid-social"),
        ("utm_source=x&twclid=1", "paid-social"),
        ("utm_source=reddit&rdt_cid=1", "paid-social"),
        ("ScCid=1", "paid-social"),
        ("utm_source=taboola&obclid=1", "display"),
        ("fbclid=1", "organic-social"),
        ("utm_campaign=x&fbclid=1", "organic-social"),
        ("utm_source=facebook&fbclid=1", "organic-social"),
        ("utm_source=facebook&utm_medium=cpc&fbclid=1", "paid-social"),
        ("utm_source=newsletter&utm_medium=email&gclid=1", "email"),
        ("fbclid=1&gclid=1", "paid-search"),
        ("gclid=", "direct"),
        ("gad_source=1", "paid-search"),
        ("tblci=1", "display"),
        ("_hsenc=1&_hsmi=2", "email"),
        ("mc_cid=1&mc_eid=2", "email"),
        ("mkt_tok=1", "email"),
        ("irclickid=1", "partner"),
        ("srsltid=1", "organic-search"),
    ],
)
def test_a_click_id_decides_where_the_medium_is_missing(query: str, channel: str) -> None:
    assert classify(Visit(landing_page=f"{PAGE}?{query}"), DEFAULT_RULES).channel_key == channel


def test_a_click_id_decides_beside_tags_that_were_sent_by_themselves() -> None:
    page = f"{PAGE}?gclid=1"
    assert classify(Visit(source="google", landing_page=page), DEFAULT_RULES).channel_key == "paid-search"
    assert classify(Visit(campaign="q4", landing_page=page), DEFAULT_RULES).channel_key == "paid-search"
    assert classify(Visit(source="google", medium="organic", landing_page=page), DEFAULT_RULES).channel_key == (
        "organic-search"
    )


@pytest.mark.parametrize(
    ("address", "channel", "campaign"),
    [
        ("#utm_source=google&utm_medium=cpc&utm_campaign=q4", "paid-search", "q4"),
        ("#/start?utm_medium=email&utm_campaign=q4", "email", "q4"),
        ("?a=1?utm_medium=email&utm_campaign=q4", "email", "q4"),
        ("?utm_source=google;utm_medium=cpc;utm_campaign=q4", "paid-search", "q4"),
        ("?utm_source=google%26utm_medium%3Dcpc%26utm_campaign%3Dq4", "paid-search", "q4"),
        ("?utm_campaign=a;b&utm_medium=email", "email", "a;b"),
        ("?utm_campaign=R%26D&utm_medium=email", "email", "R&D"),
        ("?utm_source=(direct)&utm_medium=(none)&utm_campaign=(not%20set)", "direct", ""),
        ("?utm_source=direct&utm_medium=none", "direct", ""),
        ("?utm_source={{site_source_name}}&utm_medium={placement}&utm_campaign=${campaign}", "direct", ""),
        ("?utm_source=null&utm_medium=undefined", "direct", ""),
        ("?utm_source={x}&gclid=1&utm_campaign=q4", "paid-search", "q4"),
    ],
)
def test_tags_are_read_where_links_have_them(address: str, channel: str, campaign: str) -> None:
    page = f"{PAGE}{address}"
    assert classify(Visit(landing_page=page), DEFAULT_RULES).channel_key == channel
    event = with_tags(CapturedEvent("form_submit", datetime(2026, 11, 1, tzinfo=UTC), landing_page=page))
    assert event.utm.campaign == campaign


def test_tags_that_say_nothing_name_no_campaign() -> None:
    event = CapturedEvent("form_submit", datetime(2026, 11, 1, tzinfo=UTC), utm=Utm("(direct)", "(none)", "(not set)"))
    assert campaign_code(event) == ""


@pytest.mark.parametrize(
    ("source", "medium", "channel"),
    [
        ("linkedin_ads", "cpc", "paid-social"),
        ("LinkedIn Ads", "", "paid-social"),
        ("fb_ads", "cpc", "paid-social"),
        ("Google Ads", "", "paid-search"),
        ("google", "pmax", "paid-search"),
        ("google", "shopping", "paid-search"),
        ("salesforce", "e mail", "email"),
        ("outreach", "sequence", "email"),
        ("chatgpt.com", "", "referral"),
        ("direct", "", "direct"),
    ],
)
def test_tags_as_services_write_them(source: str, medium: str, channel: str) -> None:
    assert classify(Visit(source, medium), DEFAULT_RULES).channel_key == channel


@pytest.mark.parametrize(
    ("referrer", "channel"),
    [
        ("https://google.com.evil.example/", "referral"),
        ("https://www.google.co.uk/", "organic-search"),
        ("https://html.duckduckgo.com/html", "organic-search"),
        ("https://ya.ru/", "organic-search"),
        ("https://suche.web.de/", "organic-search"),
        ("https://www.threads.com/", "organic-social"),
        ("https://wa.me/1", "organic-social"),
        ("https://eur01.safelinks.protection.outlook.com/?url=x", "email"),
        ("https://deref-gmx.net/mail/client", "email"),
        ("https://webmail.provider.example/", "email"),
        ("https://chatgpt.com/", "referral"),
        ("about:blank", "direct"),
        ("null", "direct"),
        ("localhost:3000", "direct"),
    ],
)
def test_websites_that_send_people(referrer: str, channel: str) -> None:
    assert classify(Visit(referrer=referrer), DEFAULT_RULES).channel_key == channel


@pytest.mark.parametrize(
    ("referrer", "channel"),
    [
        ("android-app://com.linkedin.android/", "organic-social"),
        ("android-app://com.facebook.katana", "organic-social"),
        ("android-app://com.facebook.lite/", "organic-social"),
        ("android-app://com.twitter.android/", "organic-social"),
        ("android-app://com.reddit.frontpage/", "organic-social"),
        ("android-app://com.instagram.android/", "organic-social"),
        ("android-app://com.pinterest/", "organic-social"),
        ("android-app://com.google.android.youtube/", "organic-social"),
        ("android-app://org.telegram.messenger/", "organic-social"),
        ("Android-App://com.LinkedIn.android/", "organic-social"),
        ("ios-app://288429040/", "organic-social"),
        ("ios-app://544007664/https/www.youtube.com/watch", "organic-social"),
        ("ios-app://com.atebits.Tweetie2", "organic-social"),
        ("ios-app://999999999/https/www.reddit.com/r/x", "organic-social"),
        ("android-app://com.google.android.googlequicksearchbox/", "organic-search"),
        ("android-app://com.duckduckgo.mobile.android/", "organic-search"),
        ("android-app://com.google.android.gm/", "email"),
        ("android-app://com.microsoft.office.outlook/", "email"),
        ("android-app://com.google.android.apps.docs/", "referral"),
        ("https://docs.google.com/document/d/1", "referral"),
        ("android-app://com.slack/", "referral"),
        ("ios-app://999999999/", "referral"),
        ("android-app://de.acme.app/", "direct"),
        ("android-app://[", "direct"),
    ],
)
def test_an_app_is_the_website_of_the_same_service(referrer: str, channel: str) -> None:
    assert classify(Visit(referrer=referrer), DEFAULT_RULES, own_hosts=["acme.de"]).channel_key == channel


def test_a_rule_may_name_an_app_by_its_package() -> None:
    rules = [written(1, "a", referrer="com.linkedin.android"), written(2, "b", referrer="linkedin.com")]
    assert classify(Visit(referrer="android-app://com.linkedin.android/"), rules) == ChannelMatch("a", 1)
    assert classify(Visit(referrer="https://www.linkedin.com/feed"), rules) == ChannelMatch("b", 2)


def test_the_first_matching_rule_wins_and_is_named() -> None:
    rules = [written(2, "b", source="*"), written(1, "a", source="goo*", medium="cp?")]
    assert classify(Visit("google", "cpc"), rules) == ChannelMatch("a", 1)
    assert classify(Visit("bing", "cpc"), rules) == ChannelMatch("b", 2)
    assert classify(Visit("google"), [rules[1]]) == ChannelMatch("other", None)


def test_every_channel_can_be_reached_and_is_described() -> None:
    keys = [channel.key for channel in DEFAULT_CHANNELS]
    assert {rule.channel for rule in DEFAULT_RULES} == set(keys)
    assert [rule.position for rule in DEFAULT_RULES] == list(range(1, len(DEFAULT_RULES) + 1))
    assert {channel.key for channel in DEFAULT_CHANNELS if channel.is_self_initiated} == {
        "direct", "organic-search", "brand-search", "retargeting",
    }  # fmt: skip
    assert len({channel.color for channel in DEFAULT_CHANNELS}) == len(keys)
    for index, channel in enumerate(DEFAULT_CHANNELS):
        assert channel.parent_key is None or channel.parent_key in keys[:index]


@given(st.builds(Visit, *[st.text(max_size=30)] * 5))
def test_whatever_arrives_gets_a_channel(visit: Visit) -> None:
    match = classify(visit, DEFAULT_RULES)
    assert match.rule_position is not None
    assert match.channel_key in {channel.key for channel in DEFAULT_CHANNELS}
