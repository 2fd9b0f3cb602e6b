"""HubSpot's dialect, found by `DIALECT`."""

from .dialect import DIALECT

__all__ = ["DIALECT"]
