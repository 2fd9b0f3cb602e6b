"""What people do with many leads at once."""
