"""One token per connection, renewed by one process at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db.models.functions import Now

from integrations.actions.connections.token_store import StoredTokens, forget_tokens
from integrations.connectors.base import AuthDead, Outage, Token
from integrations.models import Connection
from leads.models import Company
from tests.integrations.world import connect

pytestmark = pytest.mark.django_db
SOON = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def kept(company: Company) -> Connection:
    return connect("https://api.example.com")


def test_a_token_is_kept_encrypted(kept: Connection) -> None:
    tokens = StoredTokens(kept.pk)
    assert tokens.read() is None
    made = tokens.renew(None, lambda _: Token("first-canary", SOON, "https://eu.example.com", "again-canary"))
    assert StoredTokens(kept.pk).read() == made
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_connection")
        assert "canary" not in str(cursor.fetchall())


def test_whoever_comes_second_gets_the_first_ones_token(kept: Connection) -> None:
    tokens, stale = StoredTokens(kept.pk), Token("old", SOON)
    Connection.objects.update(access_token="new", refresh_token="r")
    fetched: list[Token | None] = []

    def fetch(kept_now: Token | None) -> Token:
        fetched.append(kept_now)
        return Token("newest", SOON)

    assert tokens.renew(stale, fetch).access == "new"
    assert fetched == []
    assert tokens.renew(Token("new"), fetch).access == "newest"
    assert fetched[0] is not None
    assert fetched[0].refresh == "r"
    assert tokens.read() == Token("newest", SOON, "", "r")  # the refresh token stays where no new one came


def test_a_renewal_under_way_is_waited_for(kept: Connection) -> None:
    Connection.objects.update(access_token="old", token_lease_until=Now() + timedelta(minutes=1))

    def sleep(seconds: float) -> None:
        Connection.objects.update(access_token="from the other", token_lease_until=None)

    def fetch(_: Token | None) -> Token:
        raise AssertionError("the other one has fetched")

    assert StoredTokens(kept.pk, sleep=sleep).renew(Token("old"), fetch).access == "from the other"


def test_a_lock_that_nobody_gives_back_ends(kept: Connection) -> None:
    Connection.objects.update(access_token="old", token_lease_until=Now() + timedelta(minutes=1))
    with pytest.raises(Outage):
        StoredTokens(kept.pk, sleep=lambda _: None).renew(Token("old"), lambda _: Token("x"))
    Connection.objects.update(token_lease_until=Now() - timedelta(seconds=1))  # its holder died
    assert StoredTokens(kept.pk).renew(Token("old"), lambda _: Token("x")).access == "x"


def test_a_refused_renewal_frees_the_lock(kept: Connection) -> None:
    def refused(_: Token | None) -> Token:
        raise AuthDead("no")

    with pytest.raises(AuthDead):
        StoredTokens(kept.pk).renew(None, refused)
    kept.refresh_from_db()
    assert kept.token_lease_until is None


def test_tokens_are_forgotten_with_their_secrets(kept: Connection) -> None:
    Connection.objects.update(access_token="a", refresh_token="r", access_expires_at=SOON)
    forget_tokens(connection_id=kept.pk)
    assert StoredTokens(kept.pk).read() is None
