"""The kit's tags: what they link to, what they escape, what they say without scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import TemplateSyntaxError, engines
from django.test import RequestFactory

from leads.pure.charts import bars


def render(source: str, url: str = "/page/?channel=paid&page=3", **context: Any) -> str:
    template = engines["django"].from_string(source)
    request = RequestFactory().get(url)
    request.user = SimpleNamespace(is_authenticated=False)
    return " ".join(template.render(context, request).split())


def test_query_with_keeps_the_rest_and_drops_none() -> None:
    assert render("{% query_with page=4 %}") == "?channel=paid&amp;page=4"
    assert render("{% query_with page=None %}", "/?a=1&a=2&page=9") == "?a=1&amp;a=2"


def test_sort_header_turns_around_and_starts_at_the_first_page() -> None:
    first = render('{% sort_header "Spend" "spend" "num" %}')
    assert 'href="?channel=paid&amp;sort=spend"' in first
    assert "aria-sort" not in first
    second = render('{% sort_header "Spend" "spend" %}', "/?sort=spend")
    assert 'href="?sort=-spend"' in second
    assert 'aria-sort="ascending"' in second
    assert 'aria-sort="descending"' in render('{% sort_header "Spend" "spend" %}', "/?sort=-spend")


def test_pager_counts_and_keeps_filters() -> None:
    page = Paginator(range(812), 25).page(6)
    html = render('{% pager page "leads" %}', page=page)
    assert "126–150 of 812 leads" in html
    assert 'href="?channel=paid&amp;page=7"' in html
    assert 'aria-current="page">6<' in html
    assert "No leads" in render('{% pager page "leads" %}', page=Paginator([], 25).page(1))


def test_export_menu_exports_what_the_page_shows() -> None:
    assert 'href="?channel=paid&amp;export=csv"' in render('{% export_menu "csv" %}')


def test_local_time_is_the_company_s_with_its_zone() -> None:
    at = datetime(2026, 11, 16, 5, 10, tzinfo=UTC)
    html = render("{% local_time at %}", at=at, company=SimpleNamespace(time_zone="Europe/Berlin"))
    assert html == '<time datetime="2026-11-16T05:10:00+00:00">16 Nov 2026, 06:10 CET</time>'
    assert render("{% local_time at %}", at=None) == "–"


def test_progress_polls_until_done() -> None:
    running = render('{% progress "Import" 30 90 url="/job/" %}')
    assert 'hx-get="/job/"' in running
    assert "33%" in running
    assert "<noscript>" in running
    done = render('{% progress "Import" 90 90 url="/job/" is_done=True %}')
    assert "hx-get" not in done
    assert "done" in done
    assert "hx-get" not in render('{% progress "Import" 9 90 url="/job/" is_failed=True %}')


def test_figure_link_opens_the_panel_and_is_a_plain_link() -> None:
    html = render("{% figure_link figure %}", figure=SimpleNamespace(text="31.4%", url="/figures/7/?a=1&b=2"))
    assert 'href="/figures/7/?a=1&amp;b=2"' in html
    assert 'hx-target="#panel-body"' in html
    assert render("{% figure_link 'x' %}") == "x"


@pytest.mark.parametrize(
    "source",
    [
        "{% tile evil evil delta=evil note=evil target=evil %}",
        "{% pill evil evil %}",
        "{% icon 'x' evil %}",
        "{% empty_state evil evil action=evil url='/' %}",
        "{% figure_link evil '/' %}",
        "{% facts rows %}",
        "{% breadcrumb evil '/' %}",
        "{% progress evil 1 2 note=evil %}",
        "{% timeline entries %}",
        "{% chart drawn %}",
        "{{ drawn|svg }}",
    ],
)
def test_fragments_escape_words_from_outside(source: str) -> None:
    evil = "<script>alert(1)</script>"
    entry = {"at": datetime(2026, 1, 1, tzinfo=UTC), "title": evil, "body": evil, "detail": [(evil, evil)]}
    drawn = bars([(evil, (1,))], series=(evil,), title=evil, of=evil)
    html = render(source, evil=evil, rows=[(evil, evil)], entries=[entry], drawn=drawn)
    assert "<script" not in html
    assert "style=" not in html


def test_delta_says_in_words_what_color_says() -> None:
    assert "better" in render('{% delta "+8%" "up" "good" %}')
    assert "worse" in render('{% delta "+8%" "up" "bad" %}')


def test_the_title_block_names_the_window() -> None:
    html = render('{% extends "_ui/entrance.html" %}{% block title %}A <b>{{ word }}</b>{% endblock %}', word="<i>")
    assert "<title>A &lt;i&gt; · RevOps Portal</title>" in html


@pytest.mark.parametrize("name", ["400", "403", "404", "429", "500"])
def test_error_pages_need_no_context(name: str) -> None:
    assert "<h1>" in engines["django"].get_template(f"{name}.html").render()


@pytest.mark.parametrize(
    "source",
    [
        '{% tile "Won" 3 notse="of 9" %}',
        '{% empty_state "Nothing" "Nobody came" ulr="/" %}',
        '{% progress "Import" 1 2 isdone=True %}',
    ],
)
def test_a_misspelt_option_is_an_error(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="unexpected keyword argument"):
        render(source)


def test_a_tile_shows_what_it_is_given_and_no_more() -> None:
    html = render('{% tile "Won" 3 note="of 9" notes=notes target="4" url="/won" %}', notes=["this week"])
    assert "<li>of 9</li><li>this week</li><li>Target 4</li>" in html
    assert 'href="/won"' in html
    assert "tile-notes" not in render('{% tile "Won" 3 %}')
