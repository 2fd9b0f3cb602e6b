"""The sandbox connector against the real sandbox server on a free port."""

from datetime import UTC, datetime

import pytest

from integrations.connectors import connector_for, rules, vendor, vendors
from integrations.connectors.base import Account, Misuse
from integrations.connectors.http import Limits
from integrations.connectors.sandbox import SandboxConnector
from tests.integrations.connectors.contract import ConnectorContract
from tests.integrations.connectors.faults import answering
from tests.integrations.connectors.harness import Harness
from tests.integrations.sandbox_crm.running import TOKEN, running_crm


@pytest.fixture
def crm(tmp_path):
    made = []
    with running_crm(tmp_path / "crm.sqlite3") as server:
        store = server.store

        def connector(*, url=None, token=TOKEN, read=5.0, total=15.0, page_size=500, allow_loopback=True):
            account = Account(server.url if url is None else url, {"token": token}, allow_loopback=allow_loopback)
            made.append(SandboxConnector(account, limits=Limits(read=read, total=total), page_size=page_size))
            return made[-1]

        def make_deal(person_key):
            deal = {"name": "Deal", "amount": "1234.50", "currency": "EUR", "contacts": [{"external_id": person_key}]}
            return store.create_deal(deal, by="test")["id"]

        def load_same_stamp(count, stamp):
            store.bulk_load(people=[{"external_id": f"same-{n}", "modified_at": stamp} for n in range(count)])

        yield Harness(
            connector=connector,
            port=server.server_port,
            person=lambda n: {
                "email": f"ada{n}@example.com",
                "first_name": "Ada",
                "last_name": f"Name {n}",
                "owner_id": "O-1",
                "properties": {"lead_score": 62},
            },
            change=("company", "Renamed"),
            kept="last_name",
            bad=("email", "a@x.example, evil@y.example"),
            make_deal=make_deal,
            move_deal=lambda deal_id, stage: store.change_deal(deal_id, {"stage": stage}, by="test"),
            win_deal=lambda deal_id, amount: store.change_deal(deal_id, {"stage": "won", "amount": amount}, by="test"),
            remove_person=lambda person_id: store.archive("people", person_id),
            load_same_stamp=load_same_stamp,
            unknown_id="P-999999",
            forbidden=b'{"error": {"code": "scope", "message": "token canary-secret-7f3a may not", "field": ""}}',
            internal=(b'{"error": {"code": "internal", "message": "m"}}', "internal"),
            spent=answering(
                429,
                b'{"error": {"code": "daily_quota", "message": "", "resume_at": "2026-11-22T00:00:00+00:00"}}',
            ),
            whole_again=datetime(2026, 11, 22, tzinfo=UTC),
        )
        for each in made:
            each.close()


class TestSandbox(ConnectorContract):
    """The whole contract."""


def test_registry_makes_the_connector_and_refuses_unknown_kinds():
    assert isinstance(connector_for("sandbox")(Account("http://127.0.0.1:1", {"token": "x"}, True)), SandboxConnector)
    for look_up in (connector_for, rules, vendor):
        with pytest.raises(Misuse):
            look_up("nonesuch")
    assert vendors()[-1] == vendor("sandbox")


def test_loopback_needs_permission():
    with pytest.raises(Misuse):
        SandboxConnector(Account("http://127.0.0.1:1", {"token": "x"}))


def test_account_hides_its_secrets():
    assert "hush" not in repr(Account("http://127.0.0.1:1", {"token": "hush"}))


def test_throttled_by_the_real_bucket(tmp_path):
    from integrations.connectors.base import Throttled

    with running_crm(tmp_path / "crm.sqlite3", rate=1) as server:
        connector = SandboxConnector(Account(server.url, {"token": TOKEN}, allow_loopback=True))
        with pytest.raises(Throttled) as caught:
            for _ in range(5):
                connector.check()
        connector.close()
    assert 0 < caught.value.after.total_seconds() <= 1
