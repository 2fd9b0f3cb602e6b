"""Pages of routing: territories, reps, transfers."""
