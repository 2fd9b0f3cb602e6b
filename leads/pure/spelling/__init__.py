"""How addresses, domains, numbers and countries are spelled."""
