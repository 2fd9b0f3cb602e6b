"""What of the dealings that a CRM keeps is a contact with a person, by the rule that a connection chooses per kind."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

CALL, MEETING, EMAIL, FORM, LIST, MEMBER = "call", "meeting", "email", "form", "list", "member"
LABELS: Mapping[str, str] = {
    CALL: "Calls",
    MEETING: "Meetings",
    EMAIL: "Emails",
    FORM: "Form submissions",
    LIST: "List members",
    MEMBER: "Campaign members",
}
RULES: Mapping[str, Mapping[str, str]] = {
    CALL: {"talked": "Calls in which somebody answered", "done": "All calls that were made"},
    MEETING: {"held": "Meetings that took place", "planned": "Also those still ahead, unless canceled"},
    EMAIL: {"received": "Emails from the person", "any": "Emails in either direction"},
    FORM: {"all": "Every submission"},
    LIST: {"named": "Joining the lists named below"},
    MEMBER: {"responded": "Members who responded", "added": "Every member, from the day they were added"},
}
# The kind of touchpoint that each becomes. Members go by their campaign's type.
TOUCHES: Mapping[str, str] = {
    CALL: "call", MEETING: "meeting", EMAIL: "email_reply", FORM: "form_submission", LIST: "list_membership",
}  # fmt: skip
CHANNELS: Mapping[str, str] = {CALL: "other", MEETING: "other", EMAIL: "email", FORM: "", LIST: "email"}
"""Where each came through unless the connection says otherwise; "": by the channel rules, from the page's address."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """What the rules look at. `state`: planned, done or missed (canceled, nobody came, nobody answered), "" where the
    CRM does not say; `way`: in (from the person), out, or ""."""

    kind: str
    happened_at: datetime
    state: str = ""
    is_answered: bool | None = None
    way: str = ""
    name: str = ""


def counts(each: Dealing, rule: str, at: datetime, names: Sequence[str] = ()) -> bool:
    """Whether it is a contact under the rule at the moment; ``names`` are patterns for lists, `*` for anything."""
    if each.kind == CALL:
        is_made = each.state == "done" or (each.state == "" and each.happened_at <= at)
        return is_made and (rule == "done" or each.is_answered is not False)
    if each.kind == MEETING:
        if each.state == "missed":
            return False
        return rule == "planned" or each.state == "done" or (each.state == "" and each.happened_at <= at)
    if each.kind == EMAIL:
        return each.state != "missed" and (rule == "any" or each.way == "in")
    if each.kind == LIST:
        return is_named(each.name, names)
    return each.kind == FORM


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether a list is among those named, whatever the case."""
    folded = name.strip().casefold()
    return any(fnmatch.fnmatchcase(folded, pattern.strip().casefold()) for pattern in patterns if pattern.strip())


def patterns_of(text: str) -> list[str]:
    """Names one a line, as people type them into a box."""
    return [line.strip() for line in text.splitlines() if line.strip()]
