"""Tests of the pages of leads."""
