"""The one door out to a CRM, and the only rooms that know requests: a session with limits and classified errors, the
hosts it may go to, proofs of who we are, a deadline over the whole exchange, and reading answers."""

from .answers import Answer, date_of, read_json
from .auth import ApiKey, Basic, Bearer, Renewing
from .hosts import LOOPBACK, Hosts, PublicHosts
from .session import CrmSession, Heard, Limits, Request, Response

__all__ = [
    "LOOPBACK", "Answer", "ApiKey", "Basic", "Bearer", "CrmSession", "Heard", "Hosts", "Limits", "PublicHosts",
    "Renewing",
    "Request", "Response", "date_of", "read_json",
]  # fmt: skip
