"""What a run compares, stores and parts."""
