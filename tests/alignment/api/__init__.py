"""Tests of the API of alignment."""
