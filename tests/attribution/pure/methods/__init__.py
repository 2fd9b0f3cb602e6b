"""Tests of the attribution methods."""
