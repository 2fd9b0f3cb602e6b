"""Webhooks of Pipedrive, version 2: let in by name and password, read as hints.

A merge is told by two of them: a change of whoever lives on, and a delete whose meta names them in `merged_to_id`.
"""

import base64
import hmac

from ..base import Hint, Misuse, RawWebhook
from ..http import read_json
from .records import KINDS


def hints(raw: RawWebhook, user: str, password: str) -> list[Hint]:
    """What a webhook of version 2 speaks of; `Misuse` unless it brings the right name and password."""
    headers = {name.lower(): value for name, value in raw.headers.items()}
    right = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    given = headers.get("authorization", "")
    if not password or not hmac.compare_digest(given.encode("utf-8", "replace"), right.encode()):
        raise Misuse("The webhook's name or password is wrong.", code="bad_signature")
    try:
        meta = read_json(raw.body)["meta"]
        kind, action = KINDS.get(meta["entity"]), str(meta["action"])
        remote_id = str(int(meta["entity_id"]))
        event_id = ":".join(str(meta.get(name, "")) for name in ("id", "entity", "entity_id", "action", "timestamp"))
        merged_into = str(int(meta["merged_to_id"])) if action == "delete" and meta.get("merged_to_id") else ""
    except (ValueError, ArithmeticError, KeyError, TypeError, RecursionError):
        raise Misuse("The webhook's body cannot be read.", code="unreadable") from None
    if kind is None:
        return []
    return [Hint(kind, remote_id, event_id, is_gone=action == "delete", merged_into=merged_into)]
