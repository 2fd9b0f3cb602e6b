"""REST doors of alignment."""
