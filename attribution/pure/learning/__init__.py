"""What data-driven methods learn from everybody's histories."""
