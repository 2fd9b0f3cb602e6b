"""Tests of leads/figures."""
