"""The one contract that every connector passes, over real sockets.

A connector's test file subclasses `ConnectorContract` and gives a `crm` fixture with a `Harness`. Where a CRM lacks a
capability, the test asserts what the protocol promises instead; nothing is skipped.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.base import (
    AuthDead,
    Connector,
    Created,
    Draft,
    Hint,
    Misuse,
    Outage,
    QuotaDay,
    RawWebhook,
    Rejected,
    RetryLater,
    ScopeMissing,
    Throttled,
    Unknown,
    Updated,
    Window,
)
from tests.integrations.connectors.faults import (
    answering,
    dripping_body,
    dripping_head,
    faulty,
    half,
    losing_answer,
    resetting,
    silent,
)
from tests.integrations.connectors.harness import SECRET, Harness

STAMP = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def everything() -> Window:
    return Window(None, datetime.now(UTC) + timedelta(seconds=5))


def drafts(crm: Harness, count: int, prefix: str = "lead", start: int = 0) -> list[Draft]:
    return [Draft(f"{prefix}-{n}", crm.person(start + n)) for n in range(count)]


def read_all(connector: Connector, kind: str = "person", window: Window | None = None) -> list[Any]:
    return [record for page in connector.changes(kind, window or everything()) for record in page.records]


def read_gone(connector: Connector) -> list[Any]:
    return [record for page in connector.gone("person", everything()) for record in page.records]


def read_ended(connector: Connector) -> dict[str, Any]:
    """Records that are no more, by id, from where this CRM tells of them."""
    records = read_all(connector) if connector.capabilities.deletes else []
    records += read_gone(connector)
    return {record.remote_id: record for record in records if record.is_archived}


class SignInContract:
    """Who we are: for each way to sign in that a CRM offers beside the one of the whole contract."""

    def test_check_names_account_and_clock(self, crm):
        info = crm.connector().check()
        assert info.account_id and info.name and info.user
        assert abs(info.server_time - datetime.now(UTC)) < timedelta(seconds=5)

    def test_wrong_token_is_auth_dead_and_stays_secret(self, crm):
        with pytest.raises(AuthDead) as caught:
            crm.connector(token=SECRET).check()
        error = caught.value
        assert error.permanent and error.stops_connection and error.retry_at(datetime.now(UTC)) is None
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
        assert SECRET not in caplog.text and SECRET not in repr(vars(connector))


class ConnectorContract(SignInContract):
    """Everything."""

    # --- the good path ---

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
        assert reference.owners and all(owner.remote_id for owner in reference.owners)

    def test_prepare_is_done_once(self, crm):
        connector = crm.connector()
        assert connector.prepare() == ()
        (made,) = connector.upsert("person", drafts(crm, 1))
        assert connector.prepare() == () and crm.connector().prepare() == ()
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
        assert outcomes[1].code and outcomes[1].message
        assert outcomes[1].field == (name if crm.names_bad_field else "")
        assert {record.key for record in read_all(crm.connector())} == {"lead-0", "lead-1"}

    def test_a_kind_not_taken_is_misuse(self, crm):
        connector = crm.connector()
        assert "person" in connector.capabilities.pushes and "deal" not in connector.capabilities.pushes
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

    # --- changes ---

    def test_equal_stamps_at_page_edges_lose_and_double_nothing(self, crm):
        crm.load_same_stamp(25, STAMP)
        connector = crm.connector(page_size=4)
        pages = list(connector.changes("person", everything()))
        keys = [record.key for page in pages for record in page.records]
        assert len(pages) >= 7 and pages[-1].resume is None
        assert sorted(keys) == sorted(f"same-{n}" for n in range(25))

    def test_resume_goes_on_where_the_page_ended(self, crm):
        crm.load_same_stamp(10, STAMP)
        first = next(crm.connector(page_size=4).changes("person", everything()))
        assert len(first.records) == 4 and first.resume
        rest = list(crm.connector(page_size=4).changes("person", everything(), first.resume))
        keys = [record.key for page in [first, *rest] for record in page.records]
        assert len(keys) == 10 and len(set(keys)) == 10

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

    # --- answers that are no answers ---

    def test_forbidden_is_a_missing_scope(self, crm):
        # Where the secret is sent itself, the answer may echo it.
        token = {} if crm.expire_tokens else {"token": SECRET}
        with crm.answering(403, crm.forbidden) as server, pytest.raises(ScopeMissing) as caught:
            crm.connector(url=server.url, **token).check()
        assert caught.value.permanent and SECRET not in str(caught.value)

    def test_a_wall_in_html_is_an_outage_not_a_scope(self, crm):
        wall = crm.answering(403, b"<html>denied</html>", content_type="text/html")
        with wall as server, pytest.raises(Outage) as caught:
            crm.connector(url=server.url).check()
        assert not caught.value.unclear

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("Retry-After: 7", 7),
            ("Retry-After: Mon, 05 Jan 2026 09:30:40 GMT", 40),
            ("Retry-After: Mon, 05 Jan 2026 09:29:00 GMT", 1),
            ("Retry-After: 0", 1),
            ("Retry-After: soon", 10),
            ("X-None: 1", 10),
        ],
    )
    def test_throttled_says_when_to_come_back(self, crm, header, seconds):
        with crm.answering(429, b"{}", header, "Date: Mon, 05 Jan 2026 09:30:00 GMT") as server:
            connector = crm.connector(url=server.url)
            with pytest.raises(Throttled) as caught:
                connector.check()
            with pytest.raises(Throttled):
                list(connector.upsert("person", drafts(crm, 2)))
            assert len(server.struck) == 2, "never repeats by itself"
        assert caught.value.after == timedelta(seconds=seconds)
        assert caught.value.stops_connection and not caught.value.permanent

    def test_spent_daily_quota_names_the_moment(self, crm):
        behavior = crm.spent or answering(429)
        expected = QuotaDay if crm.spent else Throttled
        with crm.faulty(behavior) as server, pytest.raises(expected) as caught:
            crm.connector(url=server.url).check()
        now = datetime.now(UTC)
        resumes = caught.value.retry_at(now)
        assert resumes == crm.whole_again or now < resumes <= now + timedelta(hours=25)

    def test_a_server_error_after_a_write_is_unknown(self, crm):
        body, code = crm.internal
        with crm.faulty(answering(500, body), only=crm.write) as server:
            outcomes = list(crm.connector(url=server.url).upsert("person", drafts(crm, 1)))
        assert outcomes == [Unknown("lead-0", code)]

    @pytest.mark.parametrize(
        ("behavior", "code"),
        [
            (answering(502, b"<html>Bad gateway</html>", content_type="text/html"), "http_502"),
            (answering(503, b"", "Retry-After: 3"), "http_503"),
            (answering(200, b"<html>Sign in</html>", content_type="text/html"), "unreadable"),
            (answering(200, b"<html>Sign in</html>"), "unreadable"),
            (answering(200, b'{"results": ['), "unreadable"),
            (answering(200, b"[" * 100_000), "unreadable"),
            (answering(200, b""), "unreadable"),
            (resetting, "reset"),
            (half, "broken"),
            (silent, "timeout"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_an_unclear_answer_to_a_write_is_unknown(self, crm, behavior, code):
        with crm.faulty(behavior, only=crm.write) as server:
            connector = crm.connector(url=server.url, read=0.5, total=5)
            size = connector.capabilities.batch_size
            outcomes = list(connector.upsert("person", drafts(crm, size + 2)))
            assert len(server.struck) == 1, "no second batch into a CRM that is unwell"
        unclear = 1 if crm.one_by_one else size
        assert outcomes[:unclear] == [Unknown(f"lead-{n}", code) for n in range(unclear)]
        assert outcomes[unclear:] == [RetryLater(f"lead-{n}", code) for n in range(unclear, size + 2)]
        with crm.faulty(behavior) as server, pytest.raises(Outage) as caught:
            crm.connector(url=server.url, read=0.5, total=5).check()
        assert caught.value.code == code and caught.value.unclear

    def test_results_that_do_not_match_the_drafts_are_unknown(self, crm):
        for body in crm.wrong_results:
            with crm.faulty(answering(200, body), only=crm.write) as server:
                outcomes = list(crm.connector(url=server.url).upsert("person", drafts(crm, 1)))
            assert outcomes == [Unknown("lead-0", "unreadable")], body

    def test_reads_in_an_unknown_shape_are_an_outage(self, crm):
        for body in crm.unknown_shapes:
            with crm.answering(200, body) as server:
                connector = crm.connector(url=server.url)
                reads = [connector.check, connector.reference, lambda c=connector: read_all(c)]
                reads += [
                    lambda c=connector: c.find("person", ["a"]),
                    lambda c=connector: list(c.stage_history([crm.unknown_id])),
                ]
                reads += [lambda c=connector: c.fetch("person", [crm.unknown_id])]
                for read in reads:
                    with pytest.raises(Outage):
                        read()

    def test_a_lost_answer_is_unknown_and_found_again(self, crm):
        count = 1 if crm.one_by_one else 2
        with crm.faulty(losing_answer(crm.port), only=crm.write) as proxy:
            outcomes = list(crm.connector(url=proxy.url).upsert("person", drafts(crm, count)))
        assert outcomes == [Unknown(f"lead-{n}", "reset") for n in range(count)]
        keys = [f"lead-{n}" for n in range(count)]
        found = crm.connector().find("person", keys)
        again = list(crm.connector().upsert("person", drafts(crm, count)))
        assert again == [crm.repeated(key, found[key].remote_id) for key in keys]
        assert len(read_all(crm.connector())) == count

    def test_nobody_at_the_address_is_clearly_not_written(self, crm):
        with faulty(silent) as server:
            url = server.url + crm.path
        with pytest.raises(Outage) as caught:
            list(crm.connector(url=url).upsert("person", drafts(crm, 1)))
        assert (caught.value.code, caught.value.unclear) == ("unreachable", False)

    @pytest.mark.parametrize("behavior", [dripping_body, dripping_head])
    def test_the_total_deadline_holds_against_dripping(self, crm, behavior):
        started = time.monotonic()
        with crm.faulty(behavior) as server, pytest.raises(Outage) as caught:
            crm.connector(url=server.url, read=5, total=0.6).check()
        with crm.faulty(behavior, only=crm.write) as server:
            connector = crm.connector(url=server.url, read=5, total=0.6)
            assert list(connector.upsert("person", drafts(crm, 1))) == [Unknown("lead-0", "deadline")]
        assert time.monotonic() - started < 4
        assert caught.value.code == "deadline" and caught.value.unclear

    def test_a_session_serves_again_after_a_deadline(self, crm):
        with crm.faulty(dripping_body) as server:
            connector = crm.connector(url=server.url, total=0.3)
            for _ in range(3):
                with pytest.raises(Outage, match=r"more than 0\.3 s"):
                    connector.check()

    # --- where a connector may go ---

    def test_redirects_are_refused_and_the_token_stays_here(self, crm):
        with faulty(answering(200)) as elsewhere:
            with crm.answering(307, b"", f"Location: {elsewhere.url}/me") as server:
                connector = crm.connector(url=server.url)
                with pytest.raises(Misuse) as caught:
                    connector.check()
                with pytest.raises(Misuse):
                    list(connector.upsert("person", drafts(crm, 1)))
            assert elsewhere.requests == []
        assert caught.value.code == "redirect_refused" and caught.value.permanent

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

    # --- webhooks ---

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
        assert isinstance(hint, Hint) and (hint.kind, hint.remote_id) == ("person", "12")
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
