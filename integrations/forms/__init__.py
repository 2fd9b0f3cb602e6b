"""Forms of the connection pages."""
