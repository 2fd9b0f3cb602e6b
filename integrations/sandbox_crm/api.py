"""The JSON API under `/v1`: parse, ask the store, shape the answer. The caller has been let in already."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .messages import Answer, Request, json_answer
from .rules import Refused
from .schema import as_stamp, stamp_text
from .store import Store

MOST = 100  # records of one upsert, ids of one look-up
LARGEST_PAGE = 500


def me(store: Store, request: Request) -> Answer:
    """Whose account the token opens."""
    account = {"id": store.account_id(), "name": "Sandbox CRM"}
    user = {"id": "API", "name": "API access"}
    return json_answer({"account": account, "user": user, "server_time": stamp_text(store.now())})


def owners(store: Store, request: Request) -> Answer:
    """All owners at once: there are few."""
    return json_answer({"results": store.owners()})


def stages(store: Store, request: Request) -> Answer:
    """All stages in the order of the pipeline."""
    return json_answer({"results": store.stages()})


def upsert_people(store: Store, request: Request) -> Answer:
    """Up to 100 rows keyed on external_id. 200 even when rows fail: the results say which."""
    records = _list(request.json(), "records")
    return json_answer({"results": store.upsert_people(records)})


def listing(store: Store, request: Request, kind: str) -> Answer:
    """One page by (modified_at, id), or the records with the given external ids."""
    _only(request.query, ("modified_from", "modified_to", "limit", "cursor", "external_id", "id"))
    if wanted := request.query.get("id"):
        if len(wanted) > MOST:
            raise Refused("too_many", f"At most {MOST} ids at once.", "id", 400)
        return json_answer({"results": store.read(kind, wanted), "next_cursor": None})
    if wanted := request.query.get("external_id"):
        if len(wanted) > MOST:
            raise Refused("too_many", f"At most {MOST} external ids at once.", "external_id", 400)
        return json_answer({"results": store.find(kind, wanted), "next_cursor": None})
    limit = _limit(request.one("limit", "100"))
    rows = store.page(
        kind,
        since=_moment(request, "modified_from"),
        until=_moment(request, "modified_to") or "~",
        after=_position(request.one("cursor")),
        limit=limit + 1,
    )
    page = rows[:limit]
    further = _token(page[-1]) if len(rows) > limit else None
    return json_answer({"results": page, "next_cursor": further})


def record(store: Store, request: Request, kind: str, record_id: str) -> Answer:
    """One record, archived or not."""
    return json_answer(store.get(kind, record_id))


def archive(store: Store, request: Request, kind: str, record_id: str) -> Answer:
    """Archive a record; its stamp moves, so readers of changes see it."""
    return json_answer(store.archive(kind, record_id))


def create_deal(store: Store, request: Request) -> Answer:
    """A new deal."""
    return json_answer(store.create_deal(request.json(), by="api"), 201)


def change_deal(store: Store, request: Request, deal_id: str) -> Answer:
    """Change a deal's stage, amount, close date, owner, contacts or properties."""
    return json_answer(store.change_deal(deal_id, request.json(), by="api"))


def deal_history(store: Store, request: Request) -> Answer:
    """The stage and amount changes of up to 100 deals."""
    ids = _list(request.json(), "ids")
    if not all(isinstance(each, str) for each in ids):
        raise Refused("invalid_type", "ids is a list of texts.", "ids", 400)
    return json_answer({"results": store.history(ids)})


Handler = Callable[..., Answer]
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", r"/v1/me", me),
    ("GET", r"/v1/owners", owners),
    ("GET", r"/v1/stages", stages),
    ("POST", r"/v1/people/upsert", upsert_people),
    ("GET", r"/v1/(?P<kind>people|deals)", listing),
    ("POST", r"/v1/deals", create_deal),
    ("POST", r"/v1/deals/history", deal_history),
    ("GET", r"/v1/(?P<kind>people|deals)/(?P<record_id>[\w-]{1,60})", record),
    ("DELETE", r"/v1/(?P<kind>people|deals)/(?P<record_id>[\w-]{1,60})", archive),
    ("PATCH", r"/v1/deals/(?P<deal_id>[\w-]{1,60})", change_deal),
)


def route(method: str, path: str) -> tuple[Handler, Mapping[str, str], str]:
    """The handler, its path values and the route's name for counting; raises `Refused` 404 or 405."""
    is_known = False
    for verb, pattern, handler in ROUTES:
        if found := re.fullmatch(pattern, path, re.ASCII):
            if verb == method:
                return handler, found.groupdict(), f"{verb} {_name(path, found.groupdict())}"
            is_known = True
    if is_known:
        raise Refused("method_not_allowed", f"{method} is not for this address.", status=405)
    raise Refused("not_found", "There is nothing at this address.", status=404)


def _name(path: str, values: Mapping[str, str]) -> str:
    ids = [value for name, value in values.items() if name.endswith("_id")]
    return path.replace(ids[0], "{id}") if ids else path


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    if unknown := sorted(body.keys() - {name}):
        raise Refused("unknown_field", f"There is no field {unknown[0][:60]!a}.", unknown[0][:60], 400)
    rows = body.get(name)
    if not isinstance(rows, list):
        raise Refused("required", f"{name} is a list.", name, 400)
    if not 1 <= len(rows) <= MOST:
        raise Refused("too_many", f"{name} holds 1 to {MOST} items.", name, 400)
    return rows


def _only(query: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in query:
        if name not in known:
            raise Refused("unknown_parameter", f"There is no parameter {name[:60]!a}.", name[:60], 400)


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= LARGEST_PAGE:
        raise Refused("invalid_number", f"limit is a number from 1 to {LARGEST_PAGE}.", "limit", 400)
    return int(text)


def _moment(request: Request, name: str) -> str:
    text = request.one(name)
    try:
        return as_stamp(text) if text else ""
    except (ValueError, OverflowError):
        raise Refused("invalid_time", f"{name} is an ISO time with an offset.", name, 400) from None


def _token(row: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["modified_at"], row["id"]]).encode()).decode()


def _position(token: str) -> tuple[str, str] | None:
    if not token:
        return None
    try:
        stamp, last = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Refused("invalid_cursor", "cursor is not one that we gave out.", "cursor", 400) from None
    if not (isinstance(stamp, str) and isinstance(last, str)):
        raise Refused("invalid_cursor", "cursor is not one that we gave out.", "cursor", 400)
    return stamp, last
