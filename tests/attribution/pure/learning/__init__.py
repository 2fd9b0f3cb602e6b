"""What methods learn."""
