"""What the speed figures in the documents come from."""
