"""Which channel a visit came through."""
