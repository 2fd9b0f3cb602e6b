"""PostgreSQL with the settings that the triggers read."""
