"""Filters that pages and the API share, by subject."""
