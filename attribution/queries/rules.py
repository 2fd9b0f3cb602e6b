"""The rules in force and the methods on offer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from attribution.models import AttributionRules, CustomMethod, MethodFit
from attribution.pure.methods import Method, all_methods, methods_on_offer
from attribution.pure.methods.custom import custom_method
from attribution.pure.rules import Rules
from leads.models import Channel, Company, Role, User
from leads.past.span import moment

MILESTONES = {
    "closed": "close; the newest touchpoint while the deal is open",
    "opportunity": "opportunity created",
    "lead": "lead created",
}
"""What is kept with a run in words; see docs/decisions/0002."""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The company's rules, the same as plain values to keep with a run, the methods' versions, and every scope."""

    rules: Rules
    settings: dict[str, Any]
    methods: dict[str, int] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


def methods() -> tuple[Method, ...]:
    """Every method on offer, in the order of lists: rules and fitted ones, then the company's own active ones."""
    return _offered(MethodFit.objects.filter(is_current=True).values_list("method", "version"))


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


def rules_in_force() -> RulesInForce:
    """The rules of this moment, for a run."""
    company, ours = Company.current(), AttributionRules.objects.get(pk=1)
    channels = Channel.objects.order_by("key")
    self_initiated = dict(channels.filter(is_self_initiated=True).values_list("key", "pk"))
    suppressed = dict(ours.suppressed_channels.order_by("key").values_list("key", "pk"))
    current = MethodFit.objects.filter(is_current=True).order_by("method")
    fits = {fit.method: fit for fit in current}
    offered = _offered([(fit.method, fit.version) for fit in fits.values()])
    keys = {method.key for method in offered}
    settings = {
        "look_back_days": company.look_back_days,
        "scope": ours.scope,
        "scopes": ours.scopes,
        "half_life_days": ours.half_life_days,
        "self_initiated": list(self_initiated),
        "suppressed_channels": list(suppressed),
        "currency": company.currency,
        "milestone": MILESTONES[ours.milestone],
        "fits": {key: str(fit.public_id) for key, fit in fits.items() if key in keys},
    }
    # Which scopes are kept, and which is the company's own, changes no credit.
    hashed = {name: value for name, value in settings.items() if name not in {"scope", "scopes"}}
    rules = Rules(
        look_back_days=company.look_back_days,
        self_initiated=frozenset(self_initiated.values()),
        suppressed=frozenset(suppressed.values()),
        half_life_days=ours.half_life_days,
        milestone=ours.milestone,
        methods=offered,
        fits={key: fit.parameters for key, fit in fits.items() if key in keys},
        version=json.dumps(hashed, sort_keys=True),
    )
    return RulesInForce(rules, settings, {method.key: method.version for method in offered}, tuple(ours.scopes))


def read_rules() -> tuple[Rules, dict[str, Any]]:
    """The company's rules, and the same as plain values."""
    found = rules_in_force()
    return found.rules, found.settings


def _offered(fits: Any) -> tuple[Method, ...]:
    # A fit of an earlier version of a method says nothing to the present one. In the past the method was on offer all
    # the same: whoever asks for it there is told, see `attribution.queries.past_credits`.
    versions = {method.key: method.version for method in all_methods()}
    fitted = [key for key, version in fits if versions.get(key) == version or (moment() and key in versions)]
    return methods_on_offer(fitted, [built(row) for row in CustomMethod.objects.filter(is_active=True)])


def may_change_methods(user: User) -> bool:
    """Whether a person may make and edit the company's own methods, and let those that learn learn anew: admins."""
    return user.has_role(Role.ADMIN)
