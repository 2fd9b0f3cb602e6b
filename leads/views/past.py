"""Pages of the past: a page that takes ``as_of`` is made inside the span of that moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from leads.api.problems import StillSaving, retry_after
from leads.forms.as_of import NAME, AsOf, settled_as_of
from leads.past.settled import NotSettled
from leads.past.snapshot import NotKnown
from leads.past.span import known_at
from leads.views.doors import SignedInRequest, person

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponse]


def asked_as_of(view: View[P]) -> View[P]:
    """Let a page be asked as of a past moment. Stands below what checks who may open it: rights are today's."""

    @wraps(view)
    def door(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        text = request.GET.get(NAME, "")
        if not text:
            return view(request, *args, **kwargs)
        try:
            asked = settled_as_of(text, at=timezone.now())
        except ValidationError as error:
            if getattr(view, "has_filters", False):
                request.as_of_problem = " ".join(error.messages)  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)
            return refused(request, " ".join(error.messages))
        except NotSettled as error:
            page = refused(request, str(error), status=503)
            page["Retry-After"] = retry_after(StillSaving.wait)
            return page
        person(request)  # read before the span: who they are and what they may see is as of today
        query = request.GET.copy()
        query[NAME] = asked.text
        request.GET, request.as_of = query, asked  # type: ignore[assignment]  # a copy can be changed, which nobody does
        try:
            with known_at(asked.at):
                return _exhausted(view(request, *args, **kwargs))
        except NotKnown as error:
            return refused(request, str(error))

    door.takes_as_of = True  # type: ignore[attr-defined]
    return cast("View[P]", door)


def has_filters(view: View[P]) -> View[P]:
    """Mark a page that shows a filter bar: it says itself, beside its filters, what is wrong with a moment.

    Stands directly above the view, which asks ``leads.views.filters.refused_filters`` before anything else.
    """
    view.has_filters = True  # type: ignore[attr-defined]
    return view


def takes_as_of(view: object) -> bool:
    """Whether a page may be asked as of a past moment."""
    return bool(getattr(view, "takes_as_of", False))


def as_of(request: HttpRequest) -> AsOf | None:
    """The moment a page is asked as of; None in the present."""
    return getattr(request, "as_of", None)


def refused(request: HttpRequest, why: str, *, title: str = "No such moment", status: int = 400) -> HttpResponse:
    """Why a moment cannot be shown, with the control to choose another one and every other filter kept."""
    return render(request, "leads/as_of_refused.html", {"why": why, "title": title}, status=status)


def _exhausted(response: HttpResponseBase) -> HttpResponse:
    """The response with nothing left that would ask the database after the span."""
    if isinstance(response, StreamingHttpResponse):
        whole = HttpResponse(b"".join(response), status=response.status_code)
        whole.headers = response.headers
        whole.cookies = response.cookies
        return whole
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    return cast("HttpResponse", response)
