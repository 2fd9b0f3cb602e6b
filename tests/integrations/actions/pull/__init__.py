"""The way from the CRM."""
