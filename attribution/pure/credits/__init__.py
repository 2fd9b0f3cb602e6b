"""Credits: weights made money, and their sums."""
