"""REST doors of the leads app."""
