"""Verbs of identity: who is one person, and what is written about people and accounts."""
