"""What comes in is whole: windows, pages, the gone, money, history, campaigns."""

import threading
from datetime import timedelta
from decimal import Decimal

from integrations.connectors.base import Window
from tests.integrations.connectors.contract.reading import STAMP, drafts, everything, read_all, read_ended, read_gone


class PullContract:
    """Changes and what hangs on them."""

    def test_equal_stamps_at_page_edges_lose_and_double_nothing(self, crm):
        crm.load_same_stamp(25, STAMP)
        connector = crm.connector(page_size=4)
        pages = list(connector.changes("person", everything()))
        keys = [record.key for page in pages for record in page.records]
        assert len(pages) >= 7
        assert pages[-1].resume is None
        assert sorted(keys) == sorted(f"same-{n}" for n in range(25))

    def test_resume_goes_on_where_the_page_ended(self, crm):
        crm.load_same_stamp(10, STAMP)
        first = next(crm.connector(page_size=4).changes("person", everything()))
        assert len(first.records) == 4
        assert first.resume
        rest = list(crm.connector(page_size=4).changes("person", everything(), first.resume))
        keys = [record.key for page in [first, *rest] for record in page.records]
        assert len(keys) == 10
        assert len(set(keys)) == 10

    def test_window_is_half_open(self, crm):
        tick = crm.tick
        stamp = STAMP + tick * 7
        crm.load_same_stamp(3, stamp)
        connector = crm.connector()
        assert len(read_all(connector, window=Window(stamp, stamp + tick))) == 3
        assert read_all(connector, window=Window(stamp - tick, stamp)) == []
        assert read_all(connector, window=Window(stamp + tick, stamp + 2 * tick)) == []
        assert {record.modified_at for record in read_all(connector)} == {stamp}

    def test_an_empty_window_is_one_empty_page(self, crm):
        pages = list(crm.connector().changes("deal", Window(STAMP, STAMP + crm.tick)))
        assert [(page.records, page.resume) for page in pages] == [((), None)]

    def test_removed_records_are_told(self, crm):
        """By the changes themselves, or by the pass of the gone; never by silence."""
        connector = crm.connector()
        made, other = connector.upsert("person", drafts(crm, 2))
        assert made.remote_id not in read_ended(connector)
        crm.remove_person(made.remote_id)
        ended = read_ended(crm.connector())
        assert ended.keys() == ({made.remote_id} if crm.tells_removed_people else set())
        if not crm.tells_removed_people:
            assert connector.fetch("person", [made.remote_id]) == {}, "whoever reconciles must see that it is no more"
            deal = crm.make_deal("lead-1")
            crm.remove_deal(deal)
            assert deal in {each.remote_id for each in read_all(crm.connector(), "deal") if each.is_archived}
        capabilities = connector.capabilities
        assert capabilities.deletes or capabilities.gone
        assert capabilities.gone or read_gone(connector) == []
        assert {each.remote_id for each in read_all(connector) if not each.is_archived} == {other.remote_id}
        fetched = connector.fetch("person", [made.remote_id])
        assert all(record.is_archived for record in fetched.values())

    def test_merged_people_are_told(self, crm):
        connector = crm.connector()
        loser, winner = connector.upsert("person", drafts(crm, 2))
        if crm.merge_people is None:
            assert all(record.merged_into is None for record in read_all(connector))
            return
        crm.merge_people(loser.remote_id, winner.remote_id)
        connector = crm.connector()
        ended = read_ended(connector)
        assert ended.keys() == ({loser.remote_id} if crm.tells_removed_people else set())
        for record in ended.values():
            assert record.merged_into == (winner.remote_id if crm.tells_winner else None)
        assert {each.remote_id for each in read_all(connector) if not each.is_archived} == {winner.remote_id}

    def test_converted_people_are_told(self, crm):
        connector = crm.connector()
        (made,) = connector.upsert("person", drafts(crm, 1))
        if crm.convert_person:
            crm.convert_person(made.remote_id)
        records = {record.remote_id: record for record in read_all(crm.connector())}
        converted = records[made.remote_id].converted
        assert (converted is not None) is (crm.convert_person is not None)
        assert converted is None or converted.contact_id

    def test_deals_come_with_money_status_and_people(self, crm):
        connector = crm.connector()
        (made,) = connector.upsert("person", drafts(crm, 1))
        deal_id = crm.make_deal("lead-0")
        (deal,) = read_all(connector, "deal")
        assert (deal.remote_id, deal.fields["amount"], deal.fields["currency"]) == (deal_id, Decimal("1234.50"), "EUR")
        assert (deal.fields["status"], deal.fields["closed_at"]) == ("open", None)
        assert {"name", "stage", "close_on", "lost_reason", "owner_id"} <= deal.fields.keys()
        key = "lead-0" if crm.tells_person_keys else None
        person_id = crm.in_deals(made.remote_id)
        assert [(each.person_id, each.person_key) for each in deal.contacts] == [(person_id, key)]
        crm.win_deal(deal_id, "2000.00")
        (deal,) = read_all(connector, "deal")
        assert (deal.fields["amount"], deal.fields["status"]) == (Decimal("2000.00"), "won")
        assert deal.fields["close_on"] == deal.fields["closed_at"].date()
        stages = {stage.key: stage.status for stage in connector.reference().stages}
        assert stages[deal.fields["stage"]] == "won"

    def test_stage_history_is_whole_and_in_order(self, crm):
        connector = crm.connector()
        list(connector.upsert("person", drafts(crm, 1)))
        opened = [stage.key for stage in connector.reference().stages if stage.status == "open"]
        won = next(stage.key for stage in connector.reference().stages if stage.status == "won")
        one, other = crm.make_deal("lead-0"), crm.make_deal("lead-0")
        crm.move_deal(one, opened[1])
        crm.win_deal(one, "99.00")
        lines = list(connector.stage_history([one, other]))
        mine = [line for line in lines if line.deal_id == one]
        assert [(line.from_stage, line.to_stage) for line in mine] == [
            (None, opened[0]), (opened[0], opened[1]), (opened[1], won),
        ]  # fmt: skip
        amounts = [Decimal("1234.50"), Decimal("1234.50"), Decimal("99.00")]
        assert [line.amount for line in mine] == (amounts if crm.tells_amounts else [None] * 3)
        assert [line.changed_at for line in mine] == sorted(line.changed_at for line in mine)
        assert len([line for line in lines if line.deal_id == other]) == 1
        assert len({line.remote_id for line in lines}) == 4

    def test_a_pull_during_writes_loses_nothing(self, crm):
        """Windows with overlap, read while another process writes: the union is everything."""
        rounds, size = 10, 6

        def write() -> None:
            writing = crm.connector()
            for n in range(rounds):
                list(writing.upsert("person", drafts(crm, size, f"w{n}", start=n * size)))

        writer = threading.Thread(target=write)
        connector, seen, since = crm.connector(page_size=7), set(), None
        writer.start()
        while True:
            is_last = not writer.is_alive()
            ceiling = connector.check().server_time + timedelta(seconds=1 if is_last else 0)
            seen |= {record.key for record in read_all(connector, window=Window(since, ceiling))}
            if is_last:
                break
            since = ceiling - timedelta(seconds=60)
        writer.join()
        assert seen == {f"w{n}-{m}" for n in range(rounds) for m in range(size)}

    def test_campaigns_and_members_come_where_there_are_any(self, crm):
        connector = crm.connector()
        (person,) = connector.upsert("person", drafts(crm, 1))
        assert connector.capabilities.campaigns is (crm.make_campaign is not None)
        assert connector.capabilities.members is (crm.make_member is not None)
        campaign = crm.make_campaign("Spring fair") if crm.make_campaign else ""
        if crm.make_member:
            crm.make_member(campaign, person.remote_id)
        shown = [(each.remote_id, each.name) for each in connector.campaigns()]
        assert shown == ([(campaign, "Spring fair")] if crm.make_campaign else [])
        members = [(each.campaign_id, each.person_id) for each in connector.members(everything())]
        assert members == ([(campaign, person.remote_id)] if crm.make_member else [])
