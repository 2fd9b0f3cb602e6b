"""Webhooks that the portal sends: endpoints, deliveries, and who is told of trouble."""
