"""Forms that check what people and machines ask for, by subject."""

from leads.forms.scope import ScopeForm

__all__ = ["ScopeForm"]
