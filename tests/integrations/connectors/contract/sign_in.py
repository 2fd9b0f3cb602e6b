"""Who we are, and that nobody else learns it."""

from datetime import UTC, datetime, timedelta

import pytest

from integrations.connectors.base import AuthDead, Created
from tests.integrations.connectors.contract.reading import drafts
from tests.integrations.connectors.harness import SECRET


class SignInContract:
    """Who we are: for each way to sign in that a CRM offers beside the one of the whole contract."""

    def test_check_names_account_and_clock(self, crm):
        info = crm.connector().check()
        assert info.account_id
        assert info.name
        assert info.user
        assert abs(info.server_time - datetime.now(UTC)) < timedelta(seconds=5)

    def test_wrong_token_is_auth_dead_and_stays_secret(self, crm):
        with pytest.raises(AuthDead) as caught:
            crm.connector(token=SECRET).check()
        error = caught.value
        assert error.permanent
        assert error.stops_connection
        assert error.retry_at(datetime.now(UTC)) is None
        assert SECRET not in str(error) + repr(error) + repr(error.__context__) + repr(error.__cause__)

    def test_an_expired_token_is_renewed_once(self, crm):
        connector = crm.connector()
        connector.check()
        before = connector.calls
        if crm.expire_tokens is None:
            with crm.answering(401) as server, pytest.raises(AuthDead):
                crm.connector(url=server.url).check()
            assert len(server.struck) == 1, "a secret that cannot be renewed is not tried twice"
            return
        crm.expire_tokens()
        connector.check()
        assert connector.calls - before == 2 + crm.renewal_calls, "refused, renewed, repeated"
        crm.expire_tokens()
        assert [type(each) for each in connector.upsert("person", drafts(crm, 1))] == [Created]

    def test_a_lasting_401_ends(self, crm):
        with crm.answering(401) as server:
            connector = crm.connector(url=server.url)
            with pytest.raises(AuthDead):
                connector.check()
        assert len(server.struck) == (2 if crm.expire_tokens else 1)

    @pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Evil: 1", "ключ"])
    def test_a_malformed_token_is_dead_and_never_printed(self, crm, token):
        connector = crm.connector(token=token)
        with pytest.raises(AuthDead) as caught:
            connector.check()
        assert not token or token not in str(caught.value)

    def test_nothing_logs_the_token(self, crm, caplog):
        caplog.set_level("DEBUG")
        connector = crm.connector(token=SECRET)
        with pytest.raises(AuthDead):
            connector.check()
        assert SECRET not in caplog.text
        assert SECRET not in repr(vars(connector))
