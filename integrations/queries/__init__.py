"""Reading the state of connections, by subject."""
