"""Workflows: build and activate versions, enroll leads, take steps, send emails, hold out."""
