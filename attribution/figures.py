"""Figure definitions of the attribution app."""
