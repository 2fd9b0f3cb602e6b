"""Database backends that tell the triggers who writes, through which door."""
