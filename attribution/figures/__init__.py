"""Figure definitions of the attribution app; importing this package registers them."""

from attribution.figures import costs, credits, deals, payback, sourced
from attribution.figures.offers import method_choices, scope_choices
from leads.figures.offers import offer

__all__ = ["costs", "credits", "deals", "payback", "sourced"]

offer("method", method_choices)
offer("scope", scope_choices)
