"""Typed environment variables: whatever cannot be meant is refused in one sentence that names the variable.

Values of variables that may hold a password are not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parseaddr
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env

SHORTEST_KEY = 32
"""Characters of the key that encrypts; older ones, which only read, may be what they are."""
_RATE = re.compile(r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", re.ASCII)
_HOST = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]|\*", re.IGNORECASE | re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]+")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MAIL = ("smtp", "submission", "submit", "smtps", "file", "console", "memory", "dummy")
_DATABASES = ("postgres", "postgresql", "pgsql", "sqlite")
_BROKERS = ("redis", "rediss", "unix")

env = Env()


def text(name: str, default: str) -> str:
    """Any text."""
    return env.str(name, default)


def flag(name: str, default: bool) -> bool:
    """True or false."""
    return bool(_read(name, lambda: env.bool(name, default), "must be true or false"))


def count(name: str, default: int, *, most: int) -> int:
    """A whole number from 0."""
    must = f"must be a whole number from 0 to {most}"
    found: int = _read(name, lambda: env.int(name, default), must)
    return found if 0 <= found <= most else _refuse(name, must)


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of some words."""
    found = env.str(name, default)
    return found if found in choices else _refuse(name, f"must be {', '.join(choices[:-1])} or {choices[-1]}")


def level(name: str, default: str) -> str:
    """How much is logged, in capitals."""
    found = env.str(name, default).upper()
    return found if found in _LEVELS else _refuse(name, f"must be one of {', '.join(_LEVELS)}")


def address(name: str, default: str) -> str:
    """An address of a website without a slash at its end; empty where none is given."""
    found = env.str(name, default).rstrip("/")
    if found and not _is_address(found):
        _refuse(name, "must be an address such as https://portal.example.com")
    return found


def addresses(name: str, default: list[str]) -> list[str]:
    """Addresses, separated by commas."""
    found = [each.strip() for each in env.list(name, default)]
    if not all(_is_address(each.replace("://*.", "://")) for each in found):
        _refuse(name, "must be addresses such as https://portal.example.com, separated by commas")
    return found


def hosts(name: str, default: list[str]) -> list[str]:
    """Names of hosts, separated by commas."""
    found = [each.strip() for each in env.list(name, default)]
    if not all(_HOST.fullmatch(each) for each in found):
        _refuse(name, "must be names such as portal.example.com, without https:// or a port, separated by commas")
    return found


def keys(name: str, default: list[str]) -> list[str]:
    """Secrets, the newest first; the newest must be long enough to encrypt with."""
    found = [each.strip() for each in env.list(name, default)]
    if found != default and (not all(found) or any(len(each) < SHORTEST_KEY for each in found[:1])):
        _refuse(name, f"must begin with a key of at least {SHORTEST_KEY} random characters", is_secret=True)
    return found


def secret(name: str) -> str:
    """A part of an address that nobody can guess; empty where none is given."""
    found = env.str(name, "")
    if found and (len(found) < SHORTEST_KEY or not _SECRET.fullmatch(found)):
        _refuse(name, f"must be at least {SHORTEST_KEY} letters, digits, - and _", is_secret=True)
    return found


def rate(name: str, default: str) -> str:
    """So many a span of time."""
    found = env.str(name, default)
    return found if _RATE.fullmatch(found) else _refuse(name, "must be a rate such as 1200/min")


def sender(name: str, default: str) -> str:
    """Who mails come from: an e-mail address, perhaps with a name."""
    found = env.str(name, default)
    _, mail = parseaddr(found)
    is_one = mail.count("@") == 1 and not mail.startswith("@") and not mail.endswith("@") and "\n" not in found
    return found if is_one else _refuse(name, "must be an email address such as portal@example.com")


def broker(name: str, default: str) -> str:
    """Where the Redis-protocol server is."""
    found = env.str(name, default)
    must = "must be an address such as redis://redis:6379/0 or unix:///run/redis.sock"
    parts = _read(name, lambda: urlsplit(found), must, is_secret=True)
    is_one = parts.scheme in _BROKERS and bool(parts.path if parts.scheme == "unix" else parts.hostname)
    if found and not (is_one and _has_port(parts)):
        _refuse(name, must, is_secret=True)
    return found


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of a database: PostgreSQL or SQLite."""
    must = "must be an address such as postgres://portal:password@db/portal or sqlite:////srv/portal/portal.sqlite3"
    found = env.str(name, default)
    scheme = found.partition(":")[0]
    if scheme not in _DATABASES:
        _refuse(name, must, is_secret=True)
    made: dict[str, Any] = _read(name, lambda: env.dj_db_url(name, default), must, is_secret=True)
    return made if made.get("NAME") else _refuse(name, must, is_secret=True)


def mail(name: str, default: str) -> dict[str, Any]:
    """Django's settings of outgoing mail."""
    must = "must be an address such as submission://user:password@mail.example.com:587"
    found = env.str(name, default)
    parts = _read(name, lambda: urlsplit(found), must, is_secret=True)
    needs_host = parts.scheme.startswith(("smtp", "subm"))
    if parts.scheme not in _MAIL or (needs_host and not parts.hostname) or not _has_port(parts):
        _refuse(name, must, is_secret=True)
    made: dict[str, Any] = _read(name, lambda: env.dj_email_url(name, default), must, is_secret=True)
    return made


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and _has_port(parts) and not re.search(r"\s", value)
    )


def _has_port(parts: Any) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _read(name: str, how: Callable[[], Any], must: str, *, is_secret: bool = False) -> Any:
    try:
        return how()
    # Libraries fail in their own ways: KeyError for an unknown scheme, ValueError for a port, an error of their own.
    except Exception:
        _refuse(name, must, is_secret=is_secret)


def _refuse(name: str, must: str, *, is_secret: bool = False) -> NoReturn:
    given = "" if is_secret else f"is {env.str(name, '')!r}; it "
    raise ImproperlyConfigured(f"{name} {given}{must}. See docs/deploy.md.") from None
