"""The contract of all connectors, signed in by service key; by OAuth what differs."""

import pytest

from tests.integrations.connectors.contract import ConnectorContract
from tests.integrations.connectors.hubspot.account import harness


@pytest.fixture
def by_key(connect, server, hubspot, prepared):
    return harness(connect, server, hubspot)


@pytest.fixture
def by_oauth(connect, server, hubspot, prepared):
    """The same signed in by OAuth: an access token is fetched first, and again when it is over."""
    return harness(
        lambda **given: connect(**given, oauth=True),
        server,
        hubspot,
        sign_in=r"POST /hubspot/oauth/.*",
        expire_tokens=hubspot.tokens.expire,
        overhead=1,
    )


class TestServiceKey(ConnectorContract):
    """The whole contract."""

    @pytest.fixture
    def crm(self, by_key):
        return by_key


class TestOAuth:
    """What differs: a token is fetched first, renewed by the clock and once when it is refused."""

    @pytest.fixture
    def crm(self, by_oauth):
        return by_oauth

    test_check = ConnectorContract.test_check_names_account_and_clock
    test_fewest_calls = ConnectorContract.test_upsert_uses_the_fewest_calls
    test_wrong_secret = ConnectorContract.test_wrong_token_is_auth_dead_and_stays_secret
    test_renewed_once = ConnectorContract.test_an_expired_token_is_renewed_once
    test_lasting_401 = ConnectorContract.test_a_lasting_401_ends
    test_logs = ConnectorContract.test_nothing_logs_the_token
    test_forbidden = ConnectorContract.test_forbidden_is_a_missing_scope
