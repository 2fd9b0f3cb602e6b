"""Questions about the system of record."""
