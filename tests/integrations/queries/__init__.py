"""Queries of integrations."""
