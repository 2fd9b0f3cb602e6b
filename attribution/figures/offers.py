"""What a question about attribution may name: the methods on offer and the scopes whose credits are kept."""

from __future__ import annotations

from collections.abc import Iterable

from attribution.models import AttributionRules, JourneyScope
from attribution.pure.methods import Method
from attribution.queries.rules import methods
from leads.models import Company

_SHORT = {
    JourneyScope.CONTACTS.value: "All contacts",
    JourneyScope.PRIMARY.value: "Primary contact",
    JourneyScope.ACCOUNT.value: "Whole account",
}
"""For a list of "journeys of": the models' words are longer than a field is wide."""

FALLBACK = "linear"
"""The method meant when the company's own was switched off: it needs neither a fit nor a setting."""


def method_choices(known: Iterable[Method] | None = None) -> list[tuple[str, str]]:
    """(key, name) of every method on offer, in the order of lists."""
    return [(method.key, method.name) for method in (methods() if known is None else known)]


def scope_choices(rules: AttributionRules | None = None) -> list[tuple[str, str]]:
    """(key, words) of every scope whose credits are kept, the company's own first."""
    kept = (rules or AttributionRules.objects.get(pk=1)).scopes
    return [(scope, _SHORT[scope]) for scope in kept]


def chosen_method(known: Iterable[Method], company: Company, asked: str = "") -> Method:
    """The method asked for, else the company's own, else linear: an old link or a method switched off since must not
    break a page."""
    by_key = {method.key: method for method in known}
    return next(by_key[key] for key in (asked, company.default_method, FALLBACK) if key in by_key)
