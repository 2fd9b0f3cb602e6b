"""Events go to public hosts alone, whatever a name stands for and whenever that changes."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from integrations.connectors.errors import Misuse
from integrations.connectors.http import PublicHosts
from integrations.connectors.webhook import check_endpoint, post_event
from tests.integrations.connectors.faults import answering, faulty

URL = "https://warehouse.example/hooks"
INSIDE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "::1", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::",
)  # fmt: skip


def standing_for(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_stands_for_an_address_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    standing_for(monkeypatch, "93.184.215.14", address)
    with pytest.raises(Misuse):
        check_endpoint(URL, allow_loopback=False)


def test_public_addresses_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    standing_for(monkeypatch, "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    check_endpoint(URL, allow_loopback=False)
    check_endpoint("https://warehouse.example:8443/hooks?x=1", allow_loopback=False)


def test_a_name_that_changes_between_look_up_and_connection_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is public, the next is this machine: what was connected to is looked at before it is told."""
    with faulty(answering(200)) as server:
        look_up, asked = socket.getaddrinfo, list[Any]()

        def changing(host: Any, *args: Any, **options: Any) -> Any:
            asked.append(host)
            if len(asked) == 1:
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]
            return look_up("127.0.0.1", *args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", changing)
        posted = post_event(
            url=f"https://warehouse.example:{server.port}/hooks", body="{}", headers={}, allow_loopback=False
        )
        assert len(asked) == 2
        assert server.requests == []
    assert posted.status is None
    assert posted.error == "Not a public address"


def test_loopback_is_allowed_only_where_it_is_said() -> None:
    PublicHosts(allow_loopback=True).check("http://127.0.0.1:9/hooks")
    for host in ("127.0.0.1", "localhost", "[::1]"):
        with pytest.raises(Misuse):
            PublicHosts().check(f"https://{host}/hooks")
