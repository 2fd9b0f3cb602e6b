"""Who reads the past stays there: links and forms of a past page keep ``as_of``, and what would write is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from leads.api.problems import plain_problem
from leads.forms.as_of import NAME
from leads.views.past import as_of, refused, takes_as_of

WRITES_NOTHING = {"GET", "HEAD", "OPTIONS", "TRACE"}
PRESENT = "data-now"
"""Marks a link of a past page that leads to the present."""
_ELSEWHERE = ("/admin/", "/account/")
_REFUSAL = "The past can be read, not changed."
_TAG = re.compile(r"""<[a-z][^<>]*\s(?:href|hx-get|hx-post|action)="[^<>]*>""")
_ADDRESS = re.compile(r"""(\s(?P<name>href|hx-get|hx-post|action)=")(?P<value>[^"]*)(")""")
_GET_FORM = re.compile(r"""(?P<tag><form\b[^<>]*\bmethod="get"[^<>]*>)(?P<inside>.*?)</form>""", re.DOTALL)


class KeepAsOf:
    """Middleware, the last one: it needs to know who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if NAME in request.GET and request.method not in WRITES_NOTHING and not request.path.startswith(_ELSEWHERE):
            if request.path.startswith("/api/"):
                return plain_problem(409, _REFUSAL)
            return refused(request, _REFUSAL, title="Nothing was changed", status=409)
        response = self.get_response(request)
        asked = as_of(request)
        if asked is None:
            return response
        if "Location" in response:
            response["Location"] = _Keeper(request.path, asked.text).address(response["Location"], is_change=False)
        if not response.streaming and response.get("Content-Type", "").startswith("text/html"):
            response.content = keep_as_of(response.content.decode(), request.path, asked.text)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """A page of the present alone says so, instead of showing today under an address of the past."""
        if not request.GET.get(NAME) or takes_as_of(view) or request.path.startswith((*_ELSEWHERE, "/api/")):
            return None
        return refused(request, "This page has no past: open it without a moment.", title="Only as of now")


def keep_as_of(html: str, path: str, text: str) -> str:
    """A page with ``as_of`` in every link that leads to a page of the past, and in every form.

    Forms that would write get it wherever they lead, so that they are refused. ``path`` is the page's own.
    """
    keeper = _Keeper(path, text)
    return _GET_FORM.sub(keeper.form, _TAG.sub(keeper.tag, html))


class _Keeper:
    """Addresses of one page; each path is looked up once."""

    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text
        self._known: dict[str, bool] = {}

    def tag(self, found: re.Match[str]) -> str:
        tag = found[0]
        if PRESENT in tag:
            return tag
        is_form = tag.startswith("<form")
        is_post = is_form and 'method="post"' in tag

        def kept(address: re.Match[str]) -> str:
            is_change = is_post or address["name"] == "hx-post"
            value = self.address(unescape(address["value"]), is_change=is_change)
            return f"{address[1]}{escape(value)}{address[4]}"

        return _ADDRESS.sub(kept, tag)

    def form(self, found: re.Match[str]) -> str:
        action = _ADDRESS.search(found["tag"])
        path = urlsplit(unescape(action["value"])).path if action and action["name"] == "action" else ""
        if f'name="{NAME}"' in found["inside"] or not self._takes(path or self._path):
            return found[0]
        hidden = f'<input type="hidden" name="{NAME}" value="{escape(self._text)}">'
        return f"{found['tag']}{hidden}{found['inside']}</form>"

    def address(self, url: str, *, is_change: bool) -> str:
        if not url.startswith(("/", "?")) or url.startswith(("//", *_ELSEWHERE)):
            return url
        parts = urlsplit(url)
        if any(name == NAME for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
            return url
        if not is_change and not self._takes(parts.path or self._path):
            return url
        query = f"{parts.query}&" if parts.query else ""
        return urlunsplit(parts._replace(query=f"{query}{NAME}={quote(self._text)}"))

    def _takes(self, path: str) -> bool:
        if path not in self._known:
            try:
                self._known[path] = takes_as_of(resolve(path).func)
            except Resolver404:
                self._known[path] = False
        return self._known[path]
