"""Who may open the pages of attribution, and what several of them show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import Http404
from django.utils.http import urlencode

from leads.figures.base import Scope
from leads.figures.words import figure_path
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
    return f"{figure_path(key)}?{urlencode(replace(scope, **changes).query())}"


def figure_urls(keys: Mapping[str, str], scope: Scope, **changes: Any) -> dict[str, str]:
    """Where each of several figures opens in the same narrowed scope, by the names given to their keys."""
    query = urlencode(replace(scope, **changes).query())
    return {name: f"{figure_path(key)}?{query}" for name, key in keys.items()}


def roi_words(value: float | None) -> str:
    """ROI without decimals: what stands behind the point is noise."""
    return words.share(value, 0)
