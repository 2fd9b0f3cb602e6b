"""What the page of a form is made of, for visitors and for the preview."""

from __future__ import annotations

from typing import Any

from leads.models import Company, WebForm
from leads.pure.web_forms.answers import Asked, words_of


def about(form: WebForm) -> dict[str, Any]:
    """The form, its language, and whose it is."""
    return {"form": form, "language": form.language, "company_name": Company.current().name}


def page_context(
    form: WebForm,
    asked: Asked,
    token: str,
    *,
    given: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What the page of a form is made of."""
    values, wrong = given or {}, faults or {}
    words = words_of(form.language)
    return {
        **about(form),
        "token": token,
        "questions": [
            {"field": each, "value": values.get(each.name, ""), "fault": wrong.get(each.name, "")}
            for each in asked.fields
            if not each.is_hidden
        ],
        "consent": asked.consent,
        "consent_required": asked.consent_required,
        "consent_fault": wrong.get("consent", ""),
        "agreed": bool(values.get("consent")),
        "problem": (wrong.get("") or words.problems) if wrong else "",
        "words": words,
    }
