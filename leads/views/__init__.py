"""Page doors of the leads app."""
