"""Verbs of forms on the web: build one, receive answers, confirm sign-ups, link visits."""
