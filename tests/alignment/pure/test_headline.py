"""The report's first sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.headline import Cause, Headline, TileChange, headline

REVENUE = TileChange("won", "Won revenue", 12_000_000, 10_000_000, "money")
MQLS = TileChange("mql", "MQLs", 80, 100)
SPEND = TileChange("spend", "Spend", 150_000, 100_000, "money", is_higher_better=False)


def plain(news: Headline) -> tuple[str, str]:
    return news.sentence.replace("\u00a0", " "), news.tone


def test_causes_stand_in_order_of_their_size() -> None:
    causes = (
        Cause("larger deals added €5,000", 500_000),
        Cause("a higher win rate added €15,000", 1_500_000),
        Cause("one deal, Acme, is worth €80,000, 67% of it", 8_000_000),
        Cause("the mix of territories added €1", 100),
    )
    assert plain(headline([replace(REVENUE, causes=causes), MQLS])) == (
        "Won revenue rose by 20% to €120,000 from €100,000: one deal, Acme, is worth €80,000, 67% of it; a higher win "
        "rate added €15,000; larger deals added €5,000.",
        "good",
    )


def test_without_parts_the_next_figure_is_the_hint() -> None:
    assert plain(headline([MQLS, REVENUE])) == (
        "MQLs fell by 20% to 80 from 100, while won revenue rose to €120,000.",
        "bad",
    )
    assert plain(headline([MQLS]))[0] == "MQLs fell by 20% to 80 from 100."


def test_the_unusual_comes_before_the_important() -> None:
    rate = TileChange("rate", "MQL to SQL", 0.09, 0.2, "share", is_unusual=True)
    sentence, tone = plain(headline([REVENUE, rate]))
    assert sentence.startswith("MQL to SQL fell to 9.0% from 20%, outside normal variation, while won revenue")
    assert tone == "bad"


def test_more_spend_is_no_good_news() -> None:
    assert headline([SPEND]).tone == "bad"


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
    assert headline(tiles) == Headline(sentence, "neutral")


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


@given(TILES)
def test_there_is_always_one_sentence(tiles: list[TileChange]) -> None:
    text = headline(tiles).sentence
    assert text.endswith(".")
    assert ". " not in text
    assert "nan" not in text
    assert "None" not in text
