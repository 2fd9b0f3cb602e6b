"""No connector leaves for another host, whatever address it is given or told: asserted where sockets are opened."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.connectors import connector_for, vendors
from integrations.connectors.base import Account, CrmError, MemoryTokens, Misuse, Token, Window
from integrations.connectors.http import Answer, CrmSession
from tests.integrations.connectors.faults import answering, faulty

SECRET = "canary-secret-51c0"
SECRETS: dict[str, dict[str, Any]] = {
    "hubspot": {"secrets": {"client_secret": SECRET, "refresh_token": SECRET}, "settings": {"client_id": "c"}},
    "salesforce": {"secrets": {"client_id": "c", "client_secret": SECRET}},
    "pipedrive": {"secrets": {"client_secret": SECRET, "refresh_token": SECRET}, "settings": {"client_id": "c"}},
    "sandbox": {"secrets": {"token": SECRET}},
}
HOSTS = {"hubspot": "api.hubapi.com", "salesforce": "acme.my.salesforce.com", "pipedrive": "api.pipedrive.com"}
KINDS = sorted(SECRETS)
ELSEWHERE = (
    "https://evil.example", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1", "https://192.168.1.1",
    "https://172.16.0.1", "http://127.0.0.1", "http://localhost:8000", "https://127.0.0.1", "http://[::1]:8081",
    "https://[::ffff:127.0.0.1]", "https://[fd00::1]", "http://0.0.0.0", "https://2130706433", "https://0x7f000001",
    "file:///etc/passwd", "ftp://evil.example", "gopher://evil.example", "//evil.example", "evil.example", "", "http://[::1",
)  # fmt: skip
DISGUISED = (
    "http://{0}", "https://{0}.evil.example", "https://evil-{1}", "https://evil.example/{0}", "https://evil.example?{0}",
    "https://evil.example#{0}", "https://{0}@evil.example", "https://user:password@{0}", "https://user@{0}",
    "https://{0}:8443", "https://{0}:22", "https://evil.example\\@{0}", "https://{0}\\.evil.example", "https://{0}%2eevil.example",
    "https://{0}%00.evil.example", "https://evil.example%2f{0}", "https://{0}\u3002evil.example", "ftp://{0}",
)  # fmt: skip
EVERYTHING = Window(None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where sockets were opened to and names looked up; only this machine's own servers are let through."""
    seen: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def noting(sock: socket.socket, address: Any) -> Any:
        seen.append(address)
        if address[0] not in ("127.0.0.1", "::1"):
            raise OSError("no way out of a test")
        return connect(sock, address)

    def looking(host: Any, *args: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "::1", "localhost"):
            seen.append(host)
            raise socket.gaierror("no way out of a test")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", noting)
    monkeypatch.setattr(socket, "getaddrinfo", looking)
    return seen


def domain_of(host: str) -> str:
    return ".".join(host.split(".")[-2:])


def account(kind: str, url: str, *, allow_loopback: bool = False, token: Token | None = None) -> Account:
    return Account(url, allow_loopback=allow_loopback, tokens=MemoryTokens(token), **SECRETS[kind])


def every_call(kind: str, one: Account) -> list[CrmError]:
    """The errors of everything that reads."""
    failed: list[CrmError] = []
    connector = connector_for(kind)(one)
    calls: list[Callable[[], Any]] = [
        connector.check, connector.reference, connector.prepare, lambda: list(connector.changes("person", EVERYTHING)),
        lambda: connector.find("person", ["k"]), lambda: connector.fetch("person", ["1"]),
        lambda: list(connector.campaigns()), lambda: list(connector.gone("person", EVERYTHING)),
    ]  # fmt: skip
    for call in calls:
        try:
            call()
        except CrmError as error:
            failed.append(error)
    connector.close()
    return failed


def test_all_vendors_are_tried() -> None:
    assert {each.kind for each in vendors()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_address_but_the_vendors_opens_a_socket(opened: list[Any], kind: str) -> None:
    host = HOSTS.get(kind, "crm.example")
    for url in (*ELSEWHERE, *(pattern.format(host, domain_of(host)) for pattern in DISGUISED)):
        with pytest.raises(Misuse) as caught:
            connector_for(kind)(account(kind, url)).check()
        assert caught.value.code == "host_refused", url
        assert SECRET not in str(caught.value)
    assert opened == []


@pytest.mark.parametrize("kind", KINDS)
def test_loopback_is_for_the_sandbox_only_and_only_when_allowed(opened: list[Any], kind: str) -> None:
    with faulty(answering(200)) as server:
        opened.clear()
        for url in (server.url, f"http://localhost:{server.port}", f"http://[::1]:{server.port}"):
            with pytest.raises(Misuse):
                connector_for(kind)(account(kind, url)).check()
        for url in ("http://127.0.0.2", "http://127.0.0.1.evil.example", "http://user:x@127.0.0.1", "http://10.0.0.1"):
            with pytest.raises(Misuse):
                connector_for(kind)(account(kind, url, allow_loopback=True)).check()
        assert (opened, server.requests) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_go_nowhere(opened: list[Any], kind: str, status: int) -> None:
    with faulty(answering(200)) as elsewhere:
        for target in (f"{elsewhere.url}/", "https://evil.example/", "//evil.example/", "http://169.254.169.254/"):
            with faulty(answering(status, b"", f"Location: {target}")) as server:
                opened.clear()
                failed = every_call(kind, account(kind, server.url, allow_loopback=True))
                assert failed
                assert {error.code for error in failed} <= {"redirect_refused", "unsupported"}
                assert set(opened) == {("127.0.0.1", server.port)}
        assert elsewhere.requests == []


@pytest.mark.parametrize("kind", ["salesforce", "pipedrive"])
@pytest.mark.parametrize("told", [*ELSEWHERE, *DISGUISED])
def test_a_token_addresss_word_on_where_to_go_is_checked(
    opened: list[Any], monkeypatch: pytest.MonkeyPatch, kind: str, told: str
) -> None:
    """`instance_url` and `api_domain` come from the network: they may name the vendor only. Nothing is sent there."""
    host = HOSTS[kind]
    body = {
        "access_token": "a",
        "expires_in": 3600,
        "refresh_token": "r",
        "token_type": "Bearer",
        "id": "https://x/id/o/u",
    }
    body |= {"instance_url": told.format(host, domain_of(host)), "api_domain": told.format(host, domain_of(host))}
    if kind == "pipedrive" and not told:
        return  # an empty api_domain is none: the account's own address stays
    answer = Answer(200, json.loads(json.dumps(body)), {}, datetime.now(UTC))
    monkeypatch.setattr(CrmSession, "fetch_token", lambda self, *args, **options: answer)
    failed = every_call(kind, account(kind, f"https://{host}"))
    assert len(failed) >= 5
    assert {error.code for error in failed} <= {"host_refused", "unreadable", "unsupported"}
    assert opened == []


@pytest.mark.parametrize("kind", ["salesforce", "pipedrive"])
def test_a_kept_address_is_checked_again(opened: list[Any], kind: str) -> None:
    """Even if somebody wrote another address into the database."""
    token = Token("a", datetime.now(UTC) + timedelta(hours=1), "https://evil.example")
    failed = every_call(kind, account(kind, f"https://{HOSTS[kind]}", token=token))
    assert {error.code for error in failed} <= {"host_refused", "unsupported"}
    assert len(failed) >= 5
    assert opened == []
