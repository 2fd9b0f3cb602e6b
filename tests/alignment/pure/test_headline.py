"""The report's first sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.headline import CampaignChange, Cause, Headline, TileChange, headline

REVENUE = TileChange("won", "Won revenue", 12_000_000, 10_000_000, "money")
MQLS = TileChange("mql", "MQLs", 80, 100)
SPEND = TileChange("spend", "Spend", 150_000, 100_000, "money", is_higher_better=False)


def plain(news: Headline) -> tuple[str, str, str]:
    return news.sentence.replace("\u00a0", " "), news.decision.replace("\u00a0", " "), news.tone


def test_causes_stand_in_order_of_their_size_and_credit_is_none() -> None:
    campaigns = [CampaignChange("Launch webinar", "won", 1_500_000, 0), CampaignChange("Fair", "won", 0, 200_000)]
    causes = (
        Cause("larger deals added €5,000", 500_000),
        Cause("a higher win rate added €15,000", 1_500_000),
        Cause("one deal, Acme, is worth €80,000, 67% of it", 8_000_000),
        Cause("the mix of territories added €1", 100),
    )
    assert plain(headline([replace(REVENUE, causes=causes), MQLS], campaigns)) == (
        "Won revenue rose by 20% to €120,000 from €100,000: one deal, Acme, is worth €80,000, 67% of it; a higher win "
        "rate added €15,000; larger deals added €5,000.",
        "Decide whether Launch webinar deserves a larger budget.",
        "good",
    )


def test_money_lost_is_decided_first() -> None:
    campaigns = [
        CampaignChange("Banner", "won", 0, 0, cost_cents=900_000, roi=-0.8),
        CampaignChange("Small ad", "won", 0, 0, cost_cents=10_000, roi=-1.0),
        CampaignChange("Webinar", "won", 0, 0, cost_cents=100_000, roi=2.5),
    ]
    assert plain(headline([REVENUE], campaigns))[1] == (
        "Decide whether to move budget from Banner: it spent €9,000 at an ROI of −80%, to Webinar, at 250%."
    )
    assert plain(headline([REVENUE], campaigns[:1]))[1] == (
        "Decide whether to keep spending on Banner: it spent €9,000 at an ROI of −80%."
    )


def test_costs_are_told_in_the_currency_of_the_tiles() -> None:
    steady = TileChange("won", "Won revenue", 100, 100, "money", currency="USD")
    losing = CampaignChange("Banner", "won", 0, 0, cost_cents=900_000, roi=-0.8)
    assert "$9,000" in headline([MQLS, steady], [losing]).decision
    assert "$9,000" in headline([steady], [losing]).decision


def test_without_parts_the_next_figure_is_the_hint() -> None:
    assert plain(headline([MQLS, REVENUE], [])) == (
        "MQLs fell by 20% to 80 from 100, while won revenue rose to €120,000.",
        "Decide who finds out by the next meeting why MQLs moved.",
        "bad",
    )
    assert plain(headline([MQLS], []))[0] == "MQLs fell by 20% to 80 from 100."


def test_the_unusual_comes_before_the_important() -> None:
    rate = TileChange("rate", "MQL to SQL", 0.09, 0.2, "share", is_unusual=True)
    sentence, _, tone = plain(headline([REVENUE, rate], []))
    assert sentence.startswith("MQL to SQL fell to 9.0% from 20%, outside normal variation, while won revenue")
    assert tone == "bad"


def test_more_spend_is_no_good_news() -> None:
    assert headline([SPEND], []).tone == "bad"


@pytest.mark.parametrize(
    ("tiles", "sentence"),
    [
        ([], "There is not enough data yet."),
        ([TileChange("mql", "MQLs", None, 5)], "There is not enough data yet."),
        ([TileChange("mql", "MQLs", 101, 100)], "Nothing moved notably against the period before."),
        ([TileChange("mql", "MQLs", 0, 0)], "Nothing moved notably against the period before."),
    ],
)
def test_a_week_without_news_says_so(tiles: list[TileChange], sentence: str) -> None:
    assert headline(tiles, []) == Headline(sentence, "No decision is needed: carry on as planned.", "neutral")


NUMBERS = st.none() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6)
TILES = st.lists(
    st.builds(
        TileChange,
        st.sampled_from(["a", "b"]),
        st.just("Tile"),
        NUMBERS,
        NUMBERS,
        st.sampled_from(["count", "money", "share", "ratio"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
)
AMOUNTS = st.floats(-1e9, 1e9)
CAMPAIGNS = st.lists(
    st.builds(
        CampaignChange,
        st.sampled_from(["X", "Y"]),
        st.sampled_from(["a", "b"]),
        AMOUNTS,
        AMOUNTS,
        st.none() | st.integers(0, 10**9),
        st.none() | st.floats(-1, 9),
    ),
    max_size=5,
)


@given(TILES, CAMPAIGNS)
def test_there_is_always_one_sentence_and_one_decision(
    tiles: list[TileChange], campaigns: list[CampaignChange]
) -> None:
    news = headline(tiles, campaigns)
    assert news == headline(tiles, list(reversed(campaigns))) or len({c.name for c in campaigns}) < len(campaigns)
    for text in (news.sentence, news.decision):
        assert text.endswith(".")
        assert ". " not in text
        assert "nan" not in text
        assert "None" not in text
