"""Forms of the alignment pages, by subject."""
