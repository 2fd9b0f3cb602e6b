"""Forms, lists and campaigns of HubSpot, and how answers come by pages."""

from collections.abc import Sequence
from typing import Any

from ...messages import Answer, json_answer
from ..base import Call
from .objects import Objects, iso, number_of


class Marketing(Objects):
    """What marketing people keep there."""

    def forms(self, call: Call) -> Answer:
        """All forms."""
        rows = self.records.listing("forms", limit=1000)
        return json_answer(paged([{"id": each.id, **each.members} for each in rows], call))

    def submissions(self, call: Call, form: str) -> Answer:
        """What was sent with a form, the newest first, fifty a page at most."""
        number_of(call.request.one("limit", "20"), 50)
        rows = self.records.find("submissions", "form", [form], state="live")
        told = [
            {"conversionId": each.id, "submittedAt": int(each.created_at.timestamp() * 1000),
             "pageUrl": each.members.get("pageUrl"), "values": [
                 {"name": name, "value": value, "objectTypeId": "0-1"}
                 for name, value in each.members.items() if name not in ("form", "pageUrl")]}
            for each in sorted(rows, key=lambda each: (each.created_at, each.number), reverse=True)
        ]  # fmt: skip
        return json_answer(paged(told, call))

    def lists(self, call: Call) -> Answer:
        """Lists of people, some at a time."""
        body = call.request.json()
        start, most = int(body.get("offset") or 0), min(int(body.get("count") or 20), 500)
        rows = self.records.listing("lists", limit=1000)
        shown = [{"listId": each.id, "name": each.members["name"], "objectTypeId": "0-1"} for each in rows]
        further = start + most < len(shown)
        return json_answer({"lists": shown[start : start + most], "hasMore": further, "offset": start + most,
                            "total": len(shown)})  # fmt: skip

    def members(self, call: Call, list: str) -> Answer:
        """Who joined a list, in that order."""
        rows = self.records.find("memberships", "list", [list], state="live")
        told = [{"recordId": each.members["record"], "membershipTimestamp": iso(each.created_at)} for each in rows]
        return json_answer(paged(told, call))

    def campaigns(self, call: Call) -> Answer:
        """All campaigns with the properties asked for."""
        asked = [each for value in call.request.query.get("properties", ()) for each in value.split(",")]
        rows = [
            {"id": each.id, "createdAt": iso(each.created_at), "updatedAt": iso(each.modified_at), "businessUnits": [],
             "properties": {name: each.members[name] for name in asked if each.members.get(name) is not None}}
            for each in self.records.listing("campaigns", limit=1000)
        ]  # fmt: skip
        return json_answer({"total": len(rows), **paged(rows, call)})


def paged(rows: Sequence[Any], call: Call) -> dict[str, Any]:
    """Some of the rows, and where the others begin."""
    limit, after = number_of(call.request.one("limit", "100"), 500), call.request.one("after", "0")
    start = int(after) if after.isdigit() else 0
    body: dict[str, Any] = {"results": list(rows[start : start + limit])}
    if len(rows) > start + limit:
        body["paging"] = {"next": {"after": str(start + limit)}}
    return body
