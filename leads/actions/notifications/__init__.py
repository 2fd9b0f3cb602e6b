"""Notifications: write them, send them, choose them."""
