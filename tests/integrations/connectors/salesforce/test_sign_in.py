"""Two ways to sign in to Salesforce, tokens kept by others, and the limits of 24 hours."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.connectors.base import AuthDead, MemoryTokens, Misuse, Outage, QuotaDay, Throttled, Token
from integrations.connectors.salesforce.session import audience
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.salesforce.org import drafts, running_org


@pytest.fixture
def org(tmp_path):
    with running_org(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_signed_assertion_signs_in(org, key):
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    org.dialect.public_keys["app"] = public.decode()
    secrets = {"client_id": "app", "private_key": pem}
    good = {"username": "portal@acme.example"}
    assert "Portal Integration" in org.connect(secrets=secrets, settings=good).check().user
    for more, settings in (({}, {"username": "nobody@acme.example"}), ({"client_id": "other"}, good)):
        with pytest.raises(AuthDead) as caught:
            org.connect(secrets=secrets | more, settings=settings).check()
        assert caught.value.code == "invalid_grant"
    with pytest.raises(AuthDead) as caught:
        org.connect(secrets={"client_id": "app", "private_key": "hush-hush"}, settings=good).check()
    assert caught.value.code == "key_malformed"
    assert "hush" not in str(caught.value)


def test_the_audience_follows_the_org():
    assert audience("https://acme.my.salesforce.com") == "https://login.salesforce.com"
    assert audience("https://acme--uat.sandbox.my.salesforce.com") == "https://test.salesforce.com"


def test_a_token_kept_by_another_process_is_used_where_it_holds(org):
    tokens = MemoryTokens()
    org.connect(tokens=tokens).check()
    connector = org.connect(tokens=tokens)
    assert connector.check().user, "who we are, and the org; no sign-in"
    assert connector.calls == 2, "who we are, and the org; no sign-in"
    assert tokens.read().base_url == org.url
    evil = MemoryTokens(Token("t0ken", base_url="https://evil.example"))
    with pytest.raises(Misuse):
        org.connect(tokens=evil).check()


def test_an_instance_elsewhere_is_refused(org):
    body = json.dumps({"access_token": "t", "instance_url": "https://evil.example", "id": "x"}).encode()
    with faulty(answering(200, body)) as server, pytest.raises(Misuse) as caught:
        org.connect(url=server.url).check()
    assert caught.value.code == "host_refused"


def test_a_sign_in_without_answer_is_no_unclear_write(org):
    with faulty(answering(503, b"")) as server, pytest.raises(Outage) as caught:
        list(org.connect(url=server.url).upsert("person", drafts(1)))
    assert not caught.value.unclear


def test_spent_calls_pause_for_an_hour_and_concurrent_ones_for_less(org):
    connector = org.connect()
    connector.check()
    assert (connector.quota.left, connector.quota.limit) == (14_999, 15_000)
    with org.dialect.faults(Fault("status", status=403, code="concurrent")), pytest.raises(Throttled) as busy:
        connector.check()
    assert busy.value.after == timedelta(seconds=30)
    org.dialect.daily_calls = 1
    with pytest.raises(QuotaDay) as spent:
        connector.check()
    assert abs(spent.value.resume_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)
    assert connector.quota.left == 0
    org.dialect.daily_calls = 15_000
    with org.dialect.faults(Fault("status", status=406)), pytest.raises(Outage):
        connector.check()
