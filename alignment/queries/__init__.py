"""Reading what both sides agreed on, by subject."""
