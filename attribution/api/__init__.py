"""REST doors of attribution."""
