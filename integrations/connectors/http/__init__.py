"""The one door out to a CRM, and the only rooms that know requests: a session with limits and classified errors, the
hosts it may go to, proofs of who we are, a deadline over the whole exchange, and reading answers."""

from .answers import Answer, date_of, read_json
from .auth import Anonymous, ApiKey, Basic, Bearer, Renewing
from .hosts import LOOPBACK, Hosts
from .session import Classify, CrmSession, Heard, Limits, Request, Response, Told

__all__ = [
    "LOOPBACK", "Anonymous", "Answer", "ApiKey", "Basic", "Bearer", "Classify", "CrmSession", "Heard", "Hosts",
    "Limits", "Renewing", "Request", "Response", "Told", "date_of", "read_json",
]  # fmt: skip
