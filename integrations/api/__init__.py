"""REST doors of the integrations app."""
