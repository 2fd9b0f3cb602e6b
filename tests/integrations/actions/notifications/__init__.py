"""Notifications in Slack and Teams."""
