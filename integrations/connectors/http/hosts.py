"""Where a connector may go."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import Misuse

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a connector may go: https to the vendor's domains, and plain http to this machine only when
    allowed."""

    suffixes: tuple[str, ...] = ()
    allow_loopback: bool = False

    def check(self, url: str) -> None:
        """Raise `Misuse` unless the address is allowed."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise Misuse("The address cannot be read.", code="host_refused") from None
        is_plain = parts.username is None and parts.password is None and "\\" not in url
        if is_plain and self.allow_loopback and host in LOOPBACK and parts.scheme in ("http", "https"):
            return
        # Names in other scripts or with escapes mean different hosts to different readers.
        is_name = re.fullmatch(r"[a-z0-9.-]+", host) is not None
        is_vendor = is_name and any(host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes)
        if not (is_plain and is_vendor and parts.scheme == "https" and port in (None, 443)):
            raise Misuse(f"{host or 'This address'} is no host of this CRM.", code="host_refused")
