"""The way to the CRM."""
