"""What was captured."""
