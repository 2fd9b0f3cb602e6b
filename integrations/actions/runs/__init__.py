"""What every run of a connection needs: its lease, its log, its health."""
