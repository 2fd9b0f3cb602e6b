"""What goes out arrives once, in few calls, and is found again."""

from decimal import Decimal

import pytest

from integrations.connectors.base import Created, Draft, Misuse, Rejected, Updated
from tests.integrations.connectors.contract.reading import drafts, read_all


class PushContract:
    """Fields, stages and owners to map; drafts and their outcomes."""

    def test_describe_names_the_fields_a_push_uses(self, crm):
        connector = crm.connector()
        fields = {each.name: each for each in connector.describe("person").fields}
        assert set(crm.person(0)) <= fields.keys()
        assert all(fields[name].is_writable for name in crm.person(0))
        assert {"stage", "amount", "currency"} <= connector.describe("deal").names()
        customs = {each.name for each in fields.values() if each.is_custom}
        assert customs >= ({crm.custom_field} if crm.custom_field else set())

    def test_reference_has_stages_of_each_status_and_owners(self, crm):
        reference = crm.connector().reference()
        assert {stage.status for stage in reference.stages} == {"open", "won", "lost"}
        assert [s.position for s in reference.stages] == sorted(s.position for s in reference.stages)
        assert len({stage.key for stage in reference.stages}) == len(reference.stages)
        assert all(0 <= stage.probability <= 1 for stage in reference.stages)
        assert reference.owners
        assert all(owner.remote_id for owner in reference.owners)

    def test_prepare_is_done_once(self, crm):
        connector = crm.connector()
        assert connector.prepare() == ()
        (made,) = connector.upsert("person", drafts(crm, 1))
        assert connector.prepare() == ()
        assert crm.connector().prepare() == ()
        assert crm.connector().find("person", ["lead-0"])["lead-0"].remote_id == made.remote_id

    def test_upsert_is_idempotent_and_answers_in_order(self, crm):
        connector, wanted = crm.connector(), drafts(crm, 3)
        name, value = crm.change
        first = list(connector.upsert("person", wanted))
        assert [type(each) for each in first] == [Created] * 3
        assert [each.key for each in first] == ["lead-0", "lead-1", "lead-2"]
        linked = [Draft(each.key, each.fields, made.remote_id) for each, made in zip(wanted, first, strict=True)]
        again = list(connector.upsert("person", wanted))
        assert again == [crm.repeated(each.key, each.remote_id) for each in first], "even if we forgot its id"
        once_more = list(connector.upsert("person", linked))
        assert [(each.key, each.remote_id) for each in once_more] == [(each.key, each.remote_id) for each in first]
        assert all(isinstance(each, crm.repeated | Updated) for each in once_more)
        (changed,) = connector.upsert("person", [Draft("lead-1", {name: value}, first[1].remote_id)])
        assert changed == Updated("lead-1", first[1].remote_id)
        records = {record.key: record for record in read_all(connector)}
        assert len(records) == 3
        assert records["lead-1"].fields[name] == value
        assert records["lead-1"].fields[crm.kept] == crm.person(1)[crm.kept], "fields that were not sent stay"

    def test_upsert_uses_the_fewest_calls(self, crm):
        connector = crm.connector()
        size = connector.capabilities.batch_size
        count = size * 2 + 1
        outcomes = list(connector.upsert("person", drafts(crm, count)))
        fewest = crm.calls_for(count) if crm.calls_for else -(-count // size)
        assert connector.calls == crm.overhead + fewest
        assert [each.key for each in outcomes] == [f"lead-{n}" for n in range(count)]

    def test_upsert_of_nothing_calls_nobody(self, crm):
        connector = crm.connector()
        assert list(connector.upsert("person", [])) == []
        assert connector.calls == 0

    def test_one_bad_row_spoils_no_other(self, crm):
        name, value = crm.bad
        good = drafts(crm, 2)
        bad = Draft("bad", crm.person(7) | {name: value})
        outcomes = list(crm.connector().upsert("person", [good[0], bad, good[1]]))
        assert [type(each) for each in outcomes] == [Created, Rejected, Created]
        assert [each.key for each in outcomes] == ["lead-0", "bad", "lead-1"]
        assert outcomes[1].code
        assert outcomes[1].message
        assert outcomes[1].field == (name if crm.names_bad_field else "")
        assert {record.key for record in read_all(crm.connector())} == {"lead-0", "lead-1"}

    def test_a_kind_not_taken_is_misuse(self, crm):
        connector = crm.connector()
        assert "person" in connector.capabilities.pushes
        assert "deal" not in connector.capabilities.pushes
        with pytest.raises(Misuse):
            list(connector.upsert("deal", [Draft("d", {"name": "D"})]))
        assert connector.calls == 0

    def test_find_returns_what_exists(self, crm):
        connector = crm.connector()
        count = min(130, connector.capabilities.batch_size + 5)
        made = {each.key: each for each in connector.upsert("person", drafts(crm, count))}
        found = connector.find("person", [*made, "nobody"])
        assert found.keys() == made.keys()
        assert all(found[key].remote_id == made[key].remote_id for key in made)

    def test_fetch_returns_what_exists(self, crm):
        connector = crm.connector()
        count = min(130, connector.capabilities.batch_size + 5)
        made = {each.remote_id: each for each in connector.upsert("person", drafts(crm, count))}
        before = connector.calls
        found = connector.fetch("person", [*made, crm.unknown_id])
        assert connector.calls - before <= crm.calls_to_fetch, "in batches"
        assert found.keys() == made.keys()
        assert {record.key for record in found.values()} == {each.key for each in made.values()}
        deal = crm.make_deal("lead-0")
        assert connector.fetch("deal", [deal])[deal].fields["amount"] == Decimal("1234.50")
        assert connector.fetch("deal", []) == {}

    def test_quota_is_read_from_answers(self, crm):
        connector = crm.connector()
        assert connector.quota is None
        connector.check()
        assert (connector.quota is not None) is crm.tells_quota
        assert not crm.tells_quota or (connector.quota.left >= 0 and connector.quota.limit != 0)
