"""Sessions end after 30 minutes or when the campaign changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leads.pure.web_forms.sessions import Session, View, is_over, sessions

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AD = "https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=q4"


def view(number: int, minutes: float, page: str = "https://shop.example/", **more: object) -> View:
    return View(number, START + timedelta(minutes=minutes), page, **more)  # type: ignore[arg-type]


def sizes(found: list[Session]) -> list[int]:
    return [len(each.views) for each in found]


def test_page_views_less_than_half_an_hour_apart_are_one_session() -> None:
    found = sessions([view(1, 0, AD), view(2, 29, "https://shop.example/pricing"), view(3, 58)])
    assert sizes(found) == [3]
    assert found[0].landing_page == AD
    assert found[0].name == "/ /pricing"


def test_half_an_hour_of_silence_ends_a_session() -> None:
    assert sizes(sessions([view(1, 0), view(2, 30)])) == [1, 1]


def test_another_campaign_is_another_session_and_the_same_one_is_not() -> None:
    other = AD.replace("q4", "q1")
    assert sizes(sessions([view(1, 0, AD), view(2, 1, AD), view(3, 2, other), view(4, 3)])) == [2, 2]


def test_a_click_id_is_a_campaign_of_its_own() -> None:
    clicked = "https://shop.example/?gclid=abc"
    assert sizes(sessions([view(1, 0), view(2, 1, clicked), view(3, 2)])) == [1, 2]


def test_the_sites_own_pages_refer_nobody() -> None:
    inner = view(1, 0, "https://www.shop.example/b", referrer="https://shop.example/a")
    outer = view(1, 0, "https://shop.example/b", referrer="https://news.example/")
    assert sessions([inner])[0].referrer == ""
    assert sessions([outer])[0].referrer == "https://news.example/"


def test_what_the_browser_tells_counts_where_nothing_was_recorded_then() -> None:
    told = view(9, 0, AD, is_told=True)
    assert sizes(sessions([told, view(2, 5)])) == [1]
    later = sessions([told, view(2, 60 * 24)])
    assert sizes(later) == [1, 1]
    assert later[0].landing_page == AD


def test_told_twice_it_counts_once() -> None:
    again = [view(8, 0, AD, is_told=True), view(9, 0, AD, is_told=True)]
    assert sizes(sessions(again)) == [1]


def test_a_session_is_over_after_half_an_hour() -> None:
    (found,) = sessions([view(1, 0), view(2, 10)])
    assert not is_over(found, START + timedelta(minutes=39))
    assert is_over(found, START + timedelta(minutes=40))
