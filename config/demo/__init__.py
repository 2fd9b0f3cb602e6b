"""The demo company: Fernhill Analytics, made up from a seed, and what writes it to the database."""
