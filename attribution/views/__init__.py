"""Pages of the attribution app."""
