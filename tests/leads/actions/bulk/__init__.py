"""Many leads at once."""
