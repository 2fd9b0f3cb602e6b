"""How far something long is: the fragment that its page asks for each second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def progress_answer(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, is_moving: bool
) -> HttpResponse:
    """The fragment, given ``is_moving``; at the end the page around it, which has another content now, loads anew."""
    answer = render(request, template, {**context, "is_moving": is_moving})
    if not is_moving:
        answer["HX-Refresh"] = "true"
    return answer
