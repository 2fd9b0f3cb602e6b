"""Who may open the pages of attribution, and what several of them show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode

from leads.figures.base import Scope
from leads.models import User
from leads.pure import words
from leads.views.doors import SignedInRequest


def whole_company(request: SignedInRequest) -> User:
    """The signed-in person, who sees the whole company; 404 for others."""
    user = request.user
    if not user.sees_all:
        raise Http404("Accuracies are for those who see the whole company.")
    return user


def figure_url(key: str, scope: Scope, **changes: Any) -> str:
    """Where a figure opens, in a scope narrowed by ``changes``."""
    return f"{reverse('leads:figure', args=[key])}?{urlencode(replace(scope, **changes).query())}"


def roi_words(value: float | None) -> str:
    """ROI without decimals: what stands behind the point is noise."""
    return words.share(value, 0)
