"""How addresses and numbers are spelled."""
