"""Search everywhere: leads, accounts, deals, campaigns, weekly reports and pages, as a page, a fragment and an API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.models import WeeklyReport
from config.context import pages_for
from leads.api.parameters import check_parameters
from leads.api.schema import problems
from leads.models import Scope, User
from leads.queries.search import (
    SHORTEST,
    Found,
    find_accounts,
    find_campaigns,
    find_deals,
    find_leads,
    words_of,
)
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file

IN_DIALOG, ON_PAGE = 5, 20
LONGEST = 200
_HEADER = ("Kind", "Name", "Detail", "Address")
ADDRESS: dict[str, Callable[[Any], str]] = {
    "lead": lambda row: row.get_absolute_url(),
    "account": lambda row: f"{reverse('leads:lead-list')}?{urlencode({'q': row.domain or row.name})}",
    "deal": lambda row: row.get_absolute_url(),
    "campaign": lambda row: reverse("attribution:campaign", args=[row.public_id]),
}


def found_for(user: User, text: str, limit: int) -> list[dict[str, Any]]:
    """What a person may open: per kind ``label`` and ``found`` (title, detail and url); kinds without any left out."""
    told = [
        ("Pages", _pages(user, text)),
        ("Leads", _items(find_leads(text, user=user, limit=limit))),
        ("Accounts", _items(find_accounts(text, user=user, limit=limit))),
        ("Deals", _items(find_deals(text, user=user, limit=limit))),
    ]
    if user.sees_all:
        told += [("Campaigns", _items(find_campaigns(text, limit=limit))), ("Reports", _reports(text, limit))]
    return [{"label": label, "found": items[:limit]} for label, items in told if items]


@login_required
@require_GET
def search(request: SignedInRequest) -> HttpResponse:
    """The page, or with htmx what the search dialog shows."""
    text = request.GET.get("q", "").replace("\0", "")[:LONGEST].strip()
    is_dialog = bool(request.htmx)
    if made := list_file(request, f"search {text}", _HEADER, lambda: _lines(request, text)):
        return made
    groups = found_for(request.user, text, IN_DIALOG if is_dialog else ON_PAGE)
    context = {"q": text, "groups": groups, "is_short": not words_of(text), "shortest": SHORTEST}
    return render(request, "search/_results.html" if is_dialog else "search/search.html", context)


def _lines(request: SignedInRequest, text: str) -> Iterator[tuple[str, ...]]:
    for group in found_for(request.user, text, ON_PAGE):
        for item in group["found"]:
            yield (group["label"], item["title"], item["detail"], request.build_absolute_uri(item["url"]))


def _items(rows: list[Found]) -> list[dict[str, str]]:
    return [{"title": row.title, "detail": row.detail, "url": ADDRESS[row.kind](row.row)} for row in rows]


def _pages(user: User, text: str) -> list[dict[str, str]]:
    words = text.lower().split()
    return [
        {"title": label, "detail": "", "url": url}
        for label, url in pages_for(user)
        if words and all(any(part.startswith(word) for part in label.lower().split()) for word in words)
    ]


def _reports(text: str, limit: int) -> list[dict[str, str]]:
    """Reports by week ("46", "W46", "2026-W46") or by their name."""
    words = [word for word in text.lower().split() if not any(name.startswith(word) for name in ("weekly", "report"))]
    if not text.split() or (not words and len(text.strip()) < SHORTEST):
        return []
    rows = WeeklyReport.objects.order_by("-week")
    for word in words:
        rows = rows.filter(week__icontains=f"w{int(word):02}" if word.isdecimal() and len(word) < 3 else word)
    return [
        {
            "title": f"Weekly report: week {int(report.week[-2:])}",
            "detail": f"{report.starts_on:%Y}",
            "url": report.get_absolute_url(),
        }
        for report in rows.defer("content")[:limit]
    ]


class SearchItem(serializers.Serializer[Any]):
    """One record that was found."""

    kind = serializers.ChoiceField(choices=["lead", "account", "deal", "campaign"])
    id = serializers.UUIDField()
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    url = serializers.URLField(help_text="its page in the portal")


class SearchAnswer(serializers.Serializer[Any]):
    """What was found, by kind, at most ``limit`` of each."""

    results = SearchItem(many=True)


class Search(APIView):
    """Records by how their names begin."""

    required_scope = Scope.LEADS_READ
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="search",
        summary="Search leads, accounts, deals and campaigns",
        tags=["search"],
        parameters=[
            OpenApiParameter("q", str, required=True, description="Words that begin a name, email address or company."),
            OpenApiParameter("limit", int, description="At most so many of each kind, 1 to 20; 5 if not given."),
        ],
        responses={200: SearchAnswer, **problems(400, 401, 403, 429, 503)},
    )
    def get(self, request: Request) -> Response:
        check_parameters(request, ("q", "limit"))
        text = request.query_params.get("q", "").replace("\0", "")[:LONGEST].strip()
        limit = request.query_params.get("limit", str(IN_DIALOG))
        if not text:
            raise serializers.ValidationError({"q": "Give the words to look for."})
        if not limit.isdecimal() or not 1 <= int(limit) <= ON_PAGE:
            raise serializers.ValidationError({"limit": f"A number from 1 to {ON_PAGE}."})
        user = request.user if isinstance(request.user, User) else None
        rows = [
            *find_leads(text, user=user, limit=int(limit)),
            *find_accounts(text, user=user, limit=int(limit)),
            *find_deals(text, user=user, limit=int(limit)),
            *find_campaigns(text, limit=int(limit)),
        ]
        answer = [
            {
                "kind": row.kind,
                "id": str(row.row.public_id),
                "title": row.title,
                "detail": row.detail,
                "url": request.build_absolute_uri(ADDRESS[row.kind](row.row)),
            }
            for row in rows
        ]
        return Response({"results": answer})
