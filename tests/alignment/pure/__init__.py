"""Tests of the pure arithmetic of alignment."""
