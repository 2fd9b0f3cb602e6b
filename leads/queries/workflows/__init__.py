"""What workflows look at: occurrences of triggers, people behind leads, the log, names."""
