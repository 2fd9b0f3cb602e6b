"""What runs the project on one machine: set-up, the supervisor, vendored files, checks. Standard library only."""
