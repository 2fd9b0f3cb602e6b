"""The person behind leads: a lead together with all that were merged into it."""

from __future__ import annotations

from collections.abc import Collection

from leads.models import Lead


def absorbed(lead_ids: Collection[int]) -> dict[int, int]:
    """Each lead and all that were merged into it, over any number of links → the lead asked for.

    A query per link of the longest way, and one more.
    """
    found = {lead_id: lead_id for lead_id in lead_ids}
    frontier = set(found)
    while frontier:
        links = Lead.objects.filter(merged_into__in=frontier).values_list("pk", "merged_into")
        new = {pk: found[into] for pk, into in links if into is not None and pk not in found}
        found |= new
        frontier = set(new)
    return found
