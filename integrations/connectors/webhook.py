"""Post a signed event to somebody's webhook endpoint, wherever on the public internet that is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integrations.connectors.errors import CrmError
from integrations.connectors.http import CrmSession, Limits, PublicHosts
from integrations.connectors.http.answers import retry_after
from integrations.connectors.http.auth import Anonymous

LIMITS = Limits(connect=5, read=10, total=15, body=256 * 1024)
KEPT = 2000


@dataclass(frozen=True, slots=True)
class Posted:
    """How one try went: a status with the beginning of the answer, or why there was none.

    ``after``: how long the receiver asks us to wait.
    """

    status: int | None
    answer: str
    error: str
    milliseconds: int
    after: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def check_endpoint(url: str, *, allow_loopback: bool) -> None:
    """Raise Misuse unless events may be sent there."""
    hosts = PublicHosts(allow_loopback=allow_loopback)
    hosts.check(url)
    hosts.check_names(url)


def post_event(*, url: str, body: str, headers: Mapping[str, str], allow_loopback: bool) -> Posted:
    """Post once; never raises for what the other side does. Redirects are not followed."""
    hosts = PublicHosts(allow_loopback=allow_loopback)
    began = time.monotonic()
    try:
        hosts.check(url)
        hosts.check_names(url)
        with CrmSession(url, auth=Anonymous(), hosts=hosts, limits=LIMITS) as session:
            answer = session.request("POST", url, data=body.encode(), headers=dict(headers))
    except CrmError as error:
        return Posted(None, "", _WORDS.get(error.code, "No answer"), _since(began))
    text = answer.content.decode("utf-8", "replace").replace("\x00", "\ufffd")[:KEPT]
    after = retry_after(answer.headers, lambda: datetime.now(UTC))
    return Posted(answer.status_code, text, "", _since(began), after)


_WORDS = {
    "host_refused": "Not a public address",
    "deadline": "No answer within 15 seconds",
    "timeout": "No answer within 10 seconds",
    "unreachable": "Could not connect",
    "too_large": "The answer was too large",
    "reset": "The connection was cut",
    "broken": "The answer broke off",
}


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
