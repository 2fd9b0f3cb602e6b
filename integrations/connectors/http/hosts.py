"""Where a connector may go."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import Misuse

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class _Asked:
    """An address taken apart; ``is_plain`` where it holds nothing that readers take for different hosts."""

    scheme: str
    host: str
    port: int | None
    is_plain: bool

    @classmethod
    def of(cls, url: str) -> "_Asked":
        """Raises `Misuse` for what is no address."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise Misuse("The address cannot be read.", code="host_refused") from None
        is_plain = parts.username is None and parts.password is None and "\\" not in url
        return cls(parts.scheme, host, port, is_plain)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a connector may go: https to the vendor's domains, and plain http to this machine only when
    allowed."""

    suffixes: tuple[str, ...] = ()
    allow_loopback: bool = False

    def check(self, url: str) -> None:
        """Raise `Misuse` unless the address is allowed."""
        asked = _Asked.of(url)
        if asked.is_plain and self.allow_loopback and asked.host in LOOPBACK and asked.scheme in ("http", "https"):
            return
        # Names in other scripts or with escapes mean different hosts to different readers.
        is_name = re.fullmatch(r"[a-z0-9.-]+", asked.host) is not None
        host = asked.host
        is_vendor = is_name and any(host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes)
        if not (asked.is_plain and is_vendor and asked.scheme == "https" and asked.port in (None, 443)):
            raise Misuse(f"{host or 'This address'} is no host of this CRM.", code="host_refused")

    def check_peer(self, address: str) -> None:
        """Raise `Misuse` unless a connection may have reached this network address; a vendor's names are trusted."""


@dataclass(frozen=True, slots=True)
class PublicHosts(Hosts):
    """Any host of the public internet, by name and over TLS: never this machine or its network, whatever the name
    stands for and whenever that changes."""

    def check(self, url: str) -> None:
        """Raise `Misuse` unless the address names a public host."""
        asked = _Asked.of(url)
        if asked.is_plain and self.allow_loopback and asked.host in LOOPBACK and asked.scheme in ("http", "https"):
            return
        is_name = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(?!\d+$)(?!0x)[a-z0-9-]{2,}", asked.host) is not None
        if not asked.is_plain or asked.scheme != "https" or not is_name or asked.host.endswith(_INSIDE):
            raise Misuse("Give an https address of a public host, by name.", code="host_refused")
        if asked.port is not None and asked.port != 443 and asked.port < 1024:
            raise Misuse("Use port 443, or one from 1024 on.", code="host_refused")

    def check_peer(self, address: str) -> None:
        """Raise `Misuse` unless it is a public address."""
        if self.allow_loopback and address in LOOPBACK:
            return
        if not _is_public(address):
            raise Misuse("The host is inside a private network.", code="host_refused")

    def check_names(self, url: str) -> None:
        """Raise `Misuse` where the host stands for any address that is not public: before anything is connected to.

        A name that cannot be looked up passes; connecting fails then.
        """
        host = urlsplit(url).hostname or ""
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        for *_, address in found:
            self.check_peer(str(address[0]))


# Names that stand for machines of a network's own.
_INSIDE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet", ".corp")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast
