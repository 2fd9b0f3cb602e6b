"""What a query may ask: unknown parameters are refused by name, for one misspelt would answer another question."""

from __future__ import annotations

from collections.abc import Collection

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from leads.api.pagination import CursorPagination

PAGING = (
    OpenApiParameter("cursor", str, description="Where the page begins: from `next` or `previous` of another page."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": CursorPagination.max_page_size, "default": 100},
        description="Rows of a page.",
    ),
)
PAGED = frozenset(parameter.name for parameter in PAGING)


def check_parameters(request: Request, known: Collection[str], *, repeatable: Collection[str] = ()) -> None:
    """Raises ValidationError naming what `wrong_parameters` names."""
    if errors := wrong_parameters(request, known, repeatable=repeatable):
        raise ValidationError(errors)


def wrong_parameters(
    request: Request, known: Collection[str], *, repeatable: Collection[str] = ()
) -> dict[str, list[str]]:
    """Every parameter that is not known, or given twice where one value is meant, with what is wrong about it."""
    errors: dict[str, list[str]] = {}
    for name in sorted(request.query_params):
        if name not in known:
            errors[name] = [f"Unknown parameter; known are {', '.join(sorted(known))}."]
        elif name not in repeatable and len(request.query_params.getlist(name)) > 1:
            errors[name] = ["Give it once."]
    return errors
