"""Tests of what runs the project on one machine."""
