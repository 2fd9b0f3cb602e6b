"""The rules in force and the methods on offer."""

from __future__ import annotations

import json
from typing import Any

from attribution.models import AttributionRules, CustomMethod, MethodFit
from attribution.pure.computation import Rules
from attribution.pure.methods import Method, methods_on_offer
from attribution.pure.methods.custom import custom_method
from leads.models import Channel, Company

MILESTONES = {
    "closed": "close; the newest touch while the deal is open",
    "opportunity": "opportunity created",
    "lead": "lead created",
}
"""What is kept with a run in words; see docs/decisions/0002."""


def methods() -> tuple[Method, ...]:
    """Every method on offer, in the order of lists: rules and fitted ones, then the company's own active ones."""
    fitted = MethodFit.objects.filter(is_current=True).values_list("method", flat=True)
    return methods_on_offer(fitted, [built(row) for row in CustomMethod.objects.filter(is_active=True)])


def method_by_key(key: str) -> Method:
    """One of the methods on offer. Raises KeyError, naming the keys there are, when it is none of them."""
    offered = methods()
    for method in offered:
        if method.key == key:
            return method
    raise KeyError(f"no method {key!r}; there are {', '.join(method.key for method in offered)}")


def built(row: CustomMethod) -> Method:
    """A company's own method, ready to compute."""
    shares = {name: getattr(row, name) for name in CustomMethod.SHARES}
    return custom_method(
        key=row.key,
        name=row.name,
        version=row.version,
        excludes_self_initiated=row.excludes_self_initiated,
        **shares,
    )


def read_rules() -> tuple[Rules, dict[str, Any]]:
    """The company's rules, and the same as plain values to keep with a run."""
    company, ours = Company.current(), AttributionRules.objects.get(pk=1)
    self_initiated = dict(Channel.objects.filter(is_self_initiated=True).order_by("key").values_list("key", "pk"))
    settings = {
        "look_back_days": company.look_back_days,
        "scope": ours.scope,
        "half_life_days": ours.half_life_days,
        "self_initiated": list(self_initiated),
        "currency": company.currency,
        "milestone": MILESTONES[ours.milestone],
    }
    rules = Rules(
        look_back_days=company.look_back_days,
        self_initiated=frozenset(self_initiated.values()),
        half_life_days=ours.half_life_days,
        version=json.dumps(settings, sort_keys=True),
    )
    return rules, settings
