"""Figure definitions of the system of record; importing this package registers them."""

from leads.figures import conversion, handover, lifecycle, marketing, pipeline, quality, spend

__all__ = ["conversion", "handover", "lifecycle", "marketing", "pipeline", "quality", "spend"]
