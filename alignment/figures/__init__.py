"""Figure definitions of the alignment app; importing this package registers them."""

from alignment.figures import cycle

__all__ = ["cycle"]
