"""Encrypted columns; they live with the system of record, and migrations know them by this name."""

from leads.models.secret import SecretJSONField, SecretTextField, SecretUnreadable

__all__ = ["SecretJSONField", "SecretTextField", "SecretUnreadable"]
