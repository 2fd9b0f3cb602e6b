"""Figure definitions of the integrations app."""
