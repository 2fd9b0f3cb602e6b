"""Figure definitions of the attribution app; importing this package registers them."""

from attribution.figures import costs, credits, deals

__all__ = ["costs", "credits", "deals"]
