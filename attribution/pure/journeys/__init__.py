"""Journeys: the touches before a deal, and how they are told apart."""
