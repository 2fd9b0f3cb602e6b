"""Forms of attribution, by subject."""
