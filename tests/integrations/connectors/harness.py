"""What the contract asks of a connector's test: a running CRM, words of its own, and hands to change things in it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrations.connectors.base import Connector, RawWebhook, Unchanged, Updated
from tests.integrations.connectors.faults import Behavior, FaultyServer, answering, between, faulty

SECRET = "canary-secret-7f3a"


@dataclass
class Harness:
    """A connector's `crm` fixture yields one. Left out is what a CRM cannot do; the contract then expects the
    alternative that the protocol names, it never skips."""

    connector: Callable[..., Connector]
    """connector(url=None, token=…, read=5.0, total=15.0, page_size=500, allow_loopback=True): to the running CRM, or to
    another address; `token` is the secret that proves who we are (access token, API key, client secret)."""
    port: int
    """Where the running CRM listens on 127.0.0.1."""
    person: Callable[[int], dict[str, Any]]
    """person(n) → good fields of the n-th person in the vendor's names, with an e-mail of their own."""
    change: tuple[str, Any]
    """A field of a person and another good value for it."""
    kept: str
    """A field of `person(n)` that differs by n and is not the one of `change`."""
    bad: tuple[str, Any]
    """A field and a value that the CRM refuses for it."""
    make_deal: Callable[[str], str]
    """make_deal(person_key) → id; in the first open stage, 1234.50 EUR, with that person."""
    move_deal: Callable[[str, str], Any]
    """move_deal(id, stage key)."""
    win_deal: Callable[[str, str], Any]
    """win_deal(id, amount)."""
    remove_person: Callable[[str], Any]
    """Archive or delete a person as the CRM's own users do."""
    load_same_stamp: Callable[[int, datetime], Any]
    """n people with keys `same-0…`, all last changed at this moment."""
    path: str = ""
    """The dialect's prefix below the server: `/pipedrive`."""
    sign_in: str = r"(?!)"
    """Request lines that fetch a token: they reach the real CRM even where the test's server misbehaves."""
    write: str = r"POST .*"
    """Request lines that write a person."""
    tick: timedelta = timedelta(microseconds=1)
    """How fine the CRM's stamps are."""
    repeated: type[Unchanged] | type[Updated] = Unchanged
    """What writing equal fields again comes back as."""
    names_bad_field: bool = True
    unknown_id: str = "999999"
    calls_for: Callable[[int], int] | None = None
    """Fewest calls to create n people in empty CRM; by default one per batch."""
    calls_to_fetch: int = 2
    """Most calls to fetch a batch and a few more by id, one of them unknown."""
    overhead: int = 0
    """Calls that a connector makes once, before its first write: fetching a token, learning the name of a field."""
    in_deals: Callable[[str], str] = str
    """in_deals(person id) → the id under which deals know that person, where a conversion gave another."""
    one_by_one: bool = False
    """Whether each person of a batch is a call of its own: an unclear answer then leaves one unknown, not all."""
    tells_removed_people: bool = True
    """Whether changes or the gone tell of removed people. Else they only vanish from lists and fetches."""
    remove_deal: Callable[[str], Any] | None = None
    """Delete a deal: needed where `tells_removed_people` is False."""
    tells_person_keys: bool = True
    """Whether a deal's contacts carry our keys without further calls."""
    tells_amounts: bool = True
    """Whether the stage history knows the amounts."""
    tells_quota: bool = False
    forbidden: bytes = b"{}"
    """Body of a 403 that means a missing scope, holding SECRET somewhere."""
    internal: tuple[bytes, str] = (b"{}", "http_500")
    """Body of a 500, and the code that it becomes."""
    spent: Behavior | None = None
    """An answer that says the day's calls are spent, and `whole_again` the moment it names (None: within a day)."""
    whole_again: datetime | None = None
    wrong_results: tuple[bytes, ...] = (b"[]", b"null", b"3", b'{"results": "x", "data": "x"}')
    """Bodies of a 200 after a write that cannot be matched with the drafts."""
    unknown_shapes: tuple[bytes, ...] = (b"[]", b"null", b"3", b'{"results": 3, "data": 3, "records": 3}')
    """Bodies of a 200 after a read that nobody can read."""
    custom_field: str = ""
    """A custom field of people that `describe` must show."""
    expire_tokens: Callable[[], Any] | None = None
    """End the access tokens that the connector fetched. None: its secret is the token itself."""
    renewal_calls: int = 1
    merge_people: Callable[[str, str], Any] | None = None
    """merge_people(loser, winner), by id."""
    tells_winner: bool = True
    """Whether the loser says into whom it was merged."""
    convert_person: Callable[[str], Any] | None = None
    make_campaign: Callable[[str], str] | None = None
    """make_campaign(name) → id."""
    make_member: Callable[[str, str], Any] | None = None
    """make_member(campaign id, person id)."""
    webhook: Callable[..., RawWebhook] | None = None
    """webhook(person_id, at=now, secret=…) → a webhook about a person as the vendor sends it, signed with `secret`."""
    webhook_window: timedelta | None = None
    """How far the signed time may be off; None where nothing signs the time."""
    vendor_urls: tuple[str, ...] = ()
    """Addresses of the vendor's that are allowed."""
    foreign_urls: tuple[str, ...] = ()
    """Look-alikes that are not."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def seconds(count: float) -> timedelta:
        """A `tick` of so many seconds."""
        return timedelta(seconds=count)

    @contextlib.contextmanager
    def faulty(self, behavior: Behavior, only: str = "") -> Iterator[FaultyServer]:
        """A server that misbehaves for all requests but signing in, or for those whose line matches `only`; the rest
        reaches the CRM. `struck(server)` are the requests that it misbehaved to."""

        def is_struck(line: str) -> bool:
            return not re.match(self.sign_in, line) and bool(re.match(only or ".", line))

        with faulty(between(self.port, behavior, is_struck)) as server:
            server.url += self.path
            server.is_struck = is_struck
            yield server

    def answering(self, status: int, body: bytes = b"{}", *headers: str, **kwargs: Any) -> Any:
        """`faulty(answering(…))`."""
        return self.faulty(answering(status, body, *headers, **kwargs))
