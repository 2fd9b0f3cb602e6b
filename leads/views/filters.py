"""Pages with a filter bar: a filter that means nothing gives a message, with every filter kept."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render

from leads.views.doors import SignedInRequest


def refused_filters(request: SignedInRequest, form: BaseForm, *, title: str) -> HttpResponse | None:
    """The page with its filter bar and what is wrong, status 400; None when every filter can be read."""
    problems = filter_problems(form)
    if moment := getattr(request, "as_of_problem", ""):
        problems.append(("As of", moment))
    if not problems:
        return None
    context: dict[str, Any] = {"form": form, "problems": problems, "title": title}
    return render(request, "leads/filters_refused.html", context, status=400)


def filter_problems(form: BaseForm) -> list[tuple[str, str]]:
    """(label of the filter, what is wrong with it)."""
    return [
        (_label(form, name), " ".join(str(error) for error in errors)) for name, errors in form.errors.items() if errors
    ]


def _label(form: BaseForm, name: str) -> str:
    field = form.fields.get(name)
    return str(form[name].label) if field is not None else ""
