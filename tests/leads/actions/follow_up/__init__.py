"""Follow-ups and what people log."""
