"""Tests of the pure rules of leads."""
