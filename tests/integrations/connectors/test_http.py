"""What the shared session guards beyond the contract: vendor hosts, TLS, body size, connection reuse."""

import gzip
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.connectors.base import Misuse, Outage
from integrations.connectors.http import Bearer, CrmSession, Hosts, Limits, read_json
from tests.integrations.connectors.faults import answering, dripping_body, dripping_head, faulty, silent

VENDOR = Hosts(suffixes=("vendor.example",))


def session(url, **limits):
    return CrmSession(url, auth=Bearer("t0ken"), hosts=Hosts(allow_loopback=True), limits=Limits(**limits))


@pytest.mark.parametrize(
    "url", ["https://vendor.example", "https://eu1.my.vendor.example/x", "https://vendor.example:443"]
)
def test_vendor_hosts_pass(url):
    VENDOR.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://vendor.example", "https://evilvendor.example", "https://vendor.example.evil.example",
        "https://vendor.example:8443", "https://user@vendor.example", "https://127.0.0.1", "http://localhost",
        "https://vendor.example:99999",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(url):
    with pytest.raises(Misuse):
        VENDOR.check(url)


def test_an_absolute_address_cannot_leave_the_allowed_hosts():
    with session("http://127.0.0.1:9") as http, pytest.raises(Misuse):
        http.get("https://evil.example/steal")


def test_a_body_beyond_the_limit_is_cut_even_when_compressed():
    bomb = gzip.compress(b" " * 5_000_000)
    with (
        faulty(answering(200, bomb, "Content-Encoding: gzip")) as server,
        session(server.url, body=100_000) as http,
        pytest.raises(Outage) as caught,
    ):
        http.call("GET", "/x")
    assert caught.value.code == "too_large"


def test_one_connection_serves_many_calls():
    with faulty(answering(200, b"{}")) as server, session(server.url) as http:
        for _ in range(5):
            assert http.call("GET", "/x").payload == {}
        assert http.calls == 5
        assert len(server._open) == 1


def test_204_has_no_payload():
    with faulty(answering(204, b"")) as server, session(server.url) as http:
        assert http.call("DELETE", "/x").payload is None


def test_environment_proxies_and_netrc_are_ignored(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with faulty(answering(200, b"{}")) as server, session(server.url) as http:
        http.call("GET", "/x")
        assert b"Authorization: Bearer t0ken\r\n" in server.requests[0]


def test_error_messages_carry_no_query():
    with faulty(answering(500)) as server, session(server.url) as http, pytest.raises(Outage) as caught:
        http.call("GET", "/x", params={"email": "canary@example.com"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_greets_over_tls_has_received_nothing(scheme):
    """The handshake hangs: the deadline ends it, and for https no byte of the request has left."""
    with faulty(silent) as server, session(f"{scheme}://127.0.0.1:{server.port}", connect=10, total=0.4) as http:
        with pytest.raises(Outage) as caught:
            http.call("POST", "/x", body={"canary": 1})
        assert any(b"canary" in each for each in server.requests) is (scheme == "http")
    assert (caught.value.code, caught.value.unclear) == ("deadline", scheme == "http")


@pytest.fixture
def tls(tmp_path):
    """A server certificate for 127.0.0.1 and its own authority."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both = tmp_path / "both.pem"
    both.write_bytes(secret + authority.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, str(authority)


@pytest.mark.parametrize("behavior", [dripping_body, dripping_head])
def test_the_deadline_holds_over_tls(tls, behavior):
    context, authority = tls
    with faulty(behavior, tls=context) as server, session(server.url, total=0.6) as http:
        http.verify = authority
        started = time.monotonic()
        with pytest.raises(Outage) as caught:
            http.call("GET", "/x")
    assert caught.value.code == "deadline"
    assert time.monotonic() - started < 3


def test_tls_with_an_unknown_authority_is_refused_before_anything_is_sent(tls):
    context, _ = tls
    with faulty(answering(200, b"{}"), tls=context) as server, session(server.url) as http:
        with pytest.raises(Outage) as caught:
            http.call("GET", "/x")
        assert server.requests == []
    assert not caught.value.unclear


def test_tls_calls_succeed_and_reuse_their_connection(tls):
    context, authority = tls
    with faulty(answering(200, b'{"a": 1}'), tls=context) as server, session(server.url) as http:
        http.verify = authority
        assert [http.call("GET", "/x").payload for _ in range(3)] == [{"a": 1}] * 3
        assert len(server._open) == 1


def test_what_no_database_stores_is_replaced() -> None:
    body = rb'[{"a\u0000": ["\ud800", "\ud83d\ude00", 1]}, "\\u0000"]'
    assert read_json(body) == [{"a\ufffd": ["\ufffd", "\U0001f600", 1]}, "\\u0000"]
