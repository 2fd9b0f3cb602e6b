"""SQLite with the functions that the triggers call."""
