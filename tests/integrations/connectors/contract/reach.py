"""Where a connector may go, and whose word it takes."""

from datetime import UTC, datetime, timedelta

import pytest

from integrations.connectors.base import Hint, Misuse, RawWebhook
from tests.integrations.connectors.contract.reading import drafts
from tests.integrations.connectors.faults import answering, faulty


class ReachContract:
    """Hosts and redirects."""

    def test_redirects_are_refused_and_the_token_stays_here(self, crm):
        with faulty(answering(200)) as elsewhere:
            with crm.answering(307, b"", f"Location: {elsewhere.url}/me") as server:
                connector = crm.connector(url=server.url)
                with pytest.raises(Misuse) as caught:
                    connector.check()
                with pytest.raises(Misuse):
                    list(connector.upsert("person", drafts(crm, 1)))
            assert elsewhere.requests == []
        assert caught.value.code == "redirect_refused"
        assert caught.value.permanent

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example", "http://169.254.169.254", "file:///etc/passwd", "http://127.0.0.1@evil.example",
            "http://evil.example#127.0.0.1", "http://127.0.0.1.evil.example", "http://[::1", "", "http://10.0.0.1",
            "http://evil.example\\@127.0.0.1",
        ],
    )  # fmt: skip
    def test_foreign_hosts_are_refused_before_a_socket_opens(self, crm, url):
        with pytest.raises(Misuse) as caught:
            crm.connector(url=url)
        assert caught.value.code == "host_refused"

    def test_only_the_vendors_addresses_are_allowed(self, crm):
        for url in crm.vendor_urls:
            crm.connector(url=url, allow_loopback=False)
        for url in (*crm.foreign_urls, f"http://127.0.0.1:{crm.port}{crm.path}"):
            with pytest.raises(Misuse):
                crm.connector(url=url, allow_loopback=False)


class WebhookContract:
    """Hints from outside."""

    def test_webhooks_without_a_good_signature_are_misuse(self, crm):
        raw = RawWebhook("POST", "https://portal.example/hook", {}, b"[]", datetime.now(UTC))
        with pytest.raises(Misuse):
            crm.connector().parse_webhook(raw)
        if crm.webhook:
            with pytest.raises(Misuse):
                crm.connector().parse_webhook(crm.webhook("1", secret="not the secret"))

    def test_webhooks_are_hints(self, crm):
        connector = crm.connector()
        assert connector.capabilities.webhooks is (crm.webhook is not None)
        if crm.webhook is None:
            raw = RawWebhook("POST", "https://portal.example/hook", {}, b'{"id": 1}', datetime.now(UTC))
            with pytest.raises(Misuse):
                connector.parse_webhook(raw)
            return
        (hint,) = connector.parse_webhook(crm.webhook("12"))
        assert isinstance(hint, Hint)
        assert (hint.kind, hint.remote_id) == ("person", "12")
        assert connector.calls == 0

    def test_old_and_future_webhooks_are_refused_where_time_is_signed(self, crm):
        if crm.webhook is None:
            assert not crm.connector().capabilities.webhooks
            return
        now = datetime.now(UTC)
        for sign in (-1, 1):
            offset = (crm.webhook_window or timedelta(days=1)) + timedelta(minutes=1)
            raw = crm.webhook("12", at=now + sign * offset)
            if crm.webhook_window is None:
                (hint,) = crm.connector().parse_webhook(raw)
                assert hint.event_id, "what signs no time carries an id that a replay repeats"
            else:
                with pytest.raises(Misuse):
                    crm.connector().parse_webhook(raw)
