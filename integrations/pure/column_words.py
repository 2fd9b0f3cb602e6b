"""Columns of ours as people read them in what a run tells."""

from __future__ import annotations


def column_words(name: str) -> str:
    """ "owner_id" is "owner", "amount_cents" is "amount", "attributes.plan" is "plan"."""
    plain = name.removeprefix("attributes.")
    return plain if plain != name else plain.removesuffix("_id").removesuffix("_cents").replace("_", " ")
