"""Workflows: triggers, steps, the order of steps, email templates, hold-outs and ready-made workflows."""
