"""What was captured, and whether a person did it."""
