"""What a run wrote, in words: owners and stages by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.pure.merging import essence
from leads.models import PipelineStage, User


def names_in(written: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, dict[Any, str]]:
    """Names of the owners and stages whose ids are told as {column: [before, after]}, by column and id."""
    ids: dict[str, set[Any]] = {"owner_id": set(), "stage_id": set()}
    for pairs in written:
        for name in ids.keys() & pairs.keys():
            ids[name].update(pairs[name])
    names: dict[str, dict[Any, str]] = {}
    if owners := ids["owner_id"] - {None}:
        names["owner_id"] = dict(User.objects.filter(pk__in=owners).values_list("pk", "name"))
    if stages := ids["stage_id"] - {None}:
        names["stage_id"] = dict(PipelineStage.objects.filter(pk__in=stages).values_list("pk", "name"))
    return names


def pair_words(name: str, pair: Sequence[Any], names: Mapping[str, Mapping[Any, str]]) -> list[str]:
    """Before and after of a column for people: an owner by name."""
    known = names.get(name, {})
    return [known.get(value) or essence(value) for value in pair]
