"""Commands of the leads app."""
