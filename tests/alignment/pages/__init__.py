"""Tests of the pages of alignment."""
