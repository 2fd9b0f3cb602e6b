"""Visits find their channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.channels.channels import (
    DEFAULT_CHANNELS,
    DEFAULT_RULES,
    ChannelMatch,
    ChannelRule,
    Visit,
    classify,
)


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


def test_the_first_matching_rule_wins_and_is_named() -> None:
    rules = [ChannelRule(2, "b", source="*"), ChannelRule(1, "a", source="goo*", medium="cp?")]
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
