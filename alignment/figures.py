"""Figure definitions of the alignment app."""
