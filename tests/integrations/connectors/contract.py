"""The one contract that every connector passes, over real sockets.

A connector's test file subclasses `ConnectorContract` and gives a `crm` fixture with a `Harness`: a running CRM
(ours, or a recorded vendor's) and makers of connectors pointed at it or at a server that misbehaves.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.base import (
    AuthDead,
    Connector,
    Created,
    Draft,
    Misuse,
    Outage,
    QuotaDay,
    RawWebhook,
    Rejected,
    RetryLater,
    ScopeMissing,
    Throttled,
    Unchanged,
    Unknown,
    Updated,
    Window,
)
from tests.integrations.connectors.faults import (
    answering,
    dripping_body,
    dripping_head,
    faulty,
    forwarding_then_losing_answer,
    half,
    resetting,
    silent,
)

SECRET = "canary-secret-7f3a"


@dataclass
class Harness:
    """What the contract needs from a connector's test."""

    connector: Callable[..., Connector]
    """connector(url=None, token=…, read=…, total=…): to the real CRM, or to another address."""
    port: int
    fields: dict[str, Any]
    """Good fields of a person."""
    bad_fields: dict[str, Any]
    """Fields that the CRM rejects, and `bad_field` the one at fault."""
    bad_field: str
    make_deal: Callable[..., str]
    """make_deal(person_key) → id, in the first stage, amount 1234.50 EUR."""
    move_deal: Callable[[str, str], None]
    win_deal: Callable[[str, str], None]
    """win_deal(id, amount)."""
    archive_person: Callable[[str], None]
    load_same_stamp: Callable[[int, datetime], None]
    """n people, keys `same-0…`, all with this stamp."""
    quota_body: bytes = b""


def everything() -> Window:
    return Window(None, datetime.now(UTC) + timedelta(seconds=5))


def drafts(crm: Harness, count: int, prefix: str = "lead") -> list[Draft]:
    return [Draft(f"{prefix}-{n}", crm.fields | {"last_name": f"Name {n}"}) for n in range(count)]


def read_all(connector: Connector, kind: str = "person", window: Window | None = None) -> list[Any]:
    return [record for page in connector.changes(kind, window or everything()) for record in page.records]


class ConnectorContract:
    # --- the good path ---

    def test_check_names_account_and_clock(self, crm):
        info = crm.connector().check()
        assert info.account_id and info.name and info.user
        assert abs(info.server_time - datetime.now(UTC)) < timedelta(seconds=5)

    def test_describe_names_the_fields_a_push_uses(self, crm):
        assert set(crm.fields) <= crm.connector().describe("person").names()
        assert {"stage", "amount", "currency"} <= crm.connector().describe("deal").names()

    def test_reference_has_stages_of_each_status_and_owners(self, crm):
        reference = crm.connector().reference()
        assert {stage.status for stage in reference.stages} == {"open", "won", "lost"}
        assert [s.position for s in reference.stages] == sorted(s.position for s in reference.stages)
        assert all(0 <= stage.probability <= 1 for stage in reference.stages)
        assert reference.owners and all(owner.remote_id for owner in reference.owners)

    def test_upsert_is_idempotent_and_answers_in_order(self, crm):
        connector, wanted = crm.connector(), drafts(crm, 3)
        first = list(connector.upsert("person", wanted))
        again = list(connector.upsert("person", wanted))
        changed = list(connector.upsert("person", [Draft("lead-1", {"company": "Renamed"}), wanted[0]]))
        assert [type(each) for each in first] == [Created] * 3
        assert [each.key for each in first] == ["lead-0", "lead-1", "lead-2"]
        assert again == [Unchanged(each.key, each.remote_id) for each in first]
        assert changed == [Updated("lead-1", first[1].remote_id), Unchanged("lead-0", first[0].remote_id)]
        records = {record.key: record for record in read_all(connector)}
        assert len(records) == 3
        assert records["lead-1"].fields["company"] == "Renamed"
        assert records["lead-1"].fields["last_name"] == "Name 1", "fields that were not sent stay"

    def test_upsert_uses_the_fewest_calls(self, crm):
        connector = crm.connector()
        count = connector.capabilities.batch_size * 2 + 1
        outcomes = list(connector.upsert("person", drafts(crm, count)))
        assert connector.calls == 3
        assert [each.key for each in outcomes] == [f"lead-{n}" for n in range(count)]

    def test_upsert_of_nothing_calls_nobody(self, crm):
        connector = crm.connector()
        assert list(connector.upsert("person", [])) == []
        assert connector.calls == 0

    def test_one_bad_row_spoils_no_other(self, crm):
        bad = Draft("bad", crm.fields | crm.bad_fields)
        good = drafts(crm, 2)
        outcomes = list(crm.connector().upsert("person", [good[0], bad, good[1]]))
        assert [type(each) for each in outcomes] == [Created, Rejected, Created]
        assert [each.key for each in outcomes] == ["lead-0", "bad", "lead-1"]
        assert outcomes[1].field == crm.bad_field and outcomes[1].code and outcomes[1].message
        assert {record.key for record in read_all(crm.connector())} == {"lead-0", "lead-1"}

    def test_a_kind_not_taken_is_misuse(self, crm):
        connector = crm.connector()
        if "deal" not in connector.capabilities.pushes:
            with pytest.raises(Misuse):
                list(connector.upsert("deal", [Draft("d", {"name": "D"})]))
            assert connector.calls == 0

    def test_find_returns_what_exists(self, crm):
        connector = crm.connector()
        made = {each.key: each for each in connector.upsert("person", drafts(crm, 130))}
        found = connector.find("person", [*made, "nobody"])
        assert found.keys() == made.keys()
        assert all(found[key].remote_id == made[key].remote_id for key in made)

    # --- changes ---

    def test_equal_stamps_at_page_edges_lose_and_double_nothing(self, crm):
        crm.load_same_stamp(25, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
        connector = crm.connector(page_size=4)
        pages = list(connector.changes("person", everything()))
        keys = [record.key for page in pages for record in page.records]
        assert len(pages) == 7 and pages[-1].resume is None
        assert sorted(keys) == sorted(f"same-{n}" for n in range(25))

    def test_resume_goes_on_where_the_page_ended(self, crm):
        crm.load_same_stamp(10, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
        first = next(crm.connector(page_size=4).changes("person", everything()))
        assert len(first.records) == 4 and first.resume
        rest = list(crm.connector(page_size=4).changes("person", everything(), first.resume))
        keys = [record.key for page in [first, *rest] for record in page.records]
        assert len(keys) == 10 and len(set(keys)) == 10

    def test_window_is_half_open(self, crm):
        stamp = datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC)
        tick = timedelta(microseconds=1)
        crm.load_same_stamp(3, stamp)
        connector = crm.connector()
        assert len(read_all(connector, window=Window(stamp, stamp + tick))) == 3
        assert read_all(connector, window=Window(stamp - tick, stamp)) == []
        assert read_all(connector, window=Window(stamp + tick, stamp + 2 * tick)) == []
        assert {record.modified_at for record in read_all(connector)} == {stamp}

    def test_an_empty_window_is_one_empty_page(self, crm):
        pages = list(crm.connector().changes("deal", everything()))
        assert [(page.records, page.resume) for page in pages] == [((), None)]

    def test_archived_records_come_with_the_changes(self, crm):
        connector = crm.connector()
        (made,) = connector.upsert("person", drafts(crm, 1))
        before = read_all(connector)[0]
        crm.archive_person(made.remote_id)
        after = read_all(connector)[0]
        assert (before.is_archived, after.is_archived) == (False, True)
        assert after.modified_at > before.modified_at

    def test_deals_come_with_money_status_and_people(self, crm):
        connector = crm.connector()
        (made,) = connector.upsert("person", drafts(crm, 1))
        deal_id = crm.make_deal("lead-0")
        (deal,) = read_all(connector, "deal")
        assert (deal.remote_id, deal.fields["amount"], deal.fields["currency"]) == (deal_id, Decimal("1234.50"), "EUR")
        assert (deal.fields["status"], deal.fields["closed_at"]) == ("open", None)
        assert [(each.person_id, each.person_key) for each in deal.contacts] == [(made.remote_id, "lead-0")]
        crm.win_deal(deal_id, "2000.00")
        (deal,) = read_all(connector, "deal")
        assert (deal.fields["amount"], deal.fields["status"]) == (Decimal("2000.00"), "won")
        assert deal.fields["close_on"] == deal.fields["closed_at"].date()

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
        assert [line.amount for line in mine] == [Decimal("1234.50"), Decimal("1234.50"), Decimal("99.00")]
        assert [line.changed_at for line in mine] == sorted(line.changed_at for line in mine)
        assert len([line for line in lines if line.deal_id == other]) == 1
        assert len({line.remote_id for line in lines}) == 4

    def test_a_pull_during_writes_loses_nothing(self, crm):
        """Windows with overlap, read while another process writes: the union is everything."""
        writer = threading.Thread(target=lambda: [list(crm.connector().upsert("person", drafts(crm, 10, f"w{n}")))
                                                  for n in range(15)])  # fmt: skip
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
        assert seen == {f"w{n}-{m}" for n in range(15) for m in range(10)}

    # --- answers that are no answers ---

    def test_wrong_token_is_auth_dead_and_stays_secret(self, crm):
        with pytest.raises(AuthDead) as caught:
            crm.connector(token=SECRET).check()
        error = caught.value
        assert error.permanent and error.stops_connection and error.retry_at(datetime.now(UTC)) is None
        assert SECRET not in str(error) + repr(error) + repr(error.__context__) + repr(error.__cause__)

    def test_forbidden_is_a_missing_scope(self, crm):
        body = b'{"error": {"code": "scope", "message": "token canary-secret-7f3a may not", "field": ""}}'
        with faulty(answering(403, body)) as server, pytest.raises(ScopeMissing) as caught:
            crm.connector(url=server.url, token=SECRET).check()
        assert SECRET not in str(caught.value)

    def test_a_wall_in_html_is_an_outage_not_a_scope(self, crm):
        wall = answering(403, b"<html>denied</html>", content_type="text/html")
        with faulty(wall) as server, pytest.raises(Outage) as caught:
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
        with faulty(answering(429, b"{}", header, "Date: Mon, 05 Jan 2026 09:30:00 GMT")) as server:
            connector = crm.connector(url=server.url)
            with pytest.raises(Throttled) as caught:
                connector.check()
            with pytest.raises(Throttled):
                list(connector.upsert("person", drafts(crm, 2)))
            assert len(server.requests) == 2, "never repeats by itself"
        assert caught.value.after == timedelta(seconds=seconds)
        assert caught.value.stops_connection and not caught.value.permanent

    def test_spent_daily_quota_names_the_moment(self, crm):
        if not crm.quota_body:
            return
        with faulty(answering(429, crm.quota_body)) as server, pytest.raises(QuotaDay) as caught:
            crm.connector(url=server.url).check()
        assert caught.value.retry_at(datetime.now(UTC)) == datetime(2026, 11, 22, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("behavior", "code"),
        [
            (answering(500, b'{"error": {"code": "internal", "message": "m"}}'), "internal"),
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
        with faulty(behavior) as server:
            connector = crm.connector(url=server.url, read=0.5, total=5)
            size = connector.capabilities.batch_size
            outcomes = list(connector.upsert("person", drafts(crm, size + 2)))
            assert len(server.requests) == 1, "no second batch into a CRM that is unwell"
            with pytest.raises(Outage) as caught:
                connector.check()
        assert outcomes[:size] == [Unknown(f"lead-{n}", code) for n in range(size)]
        assert outcomes[size:] == [RetryLater(f"lead-{n}", code) for n in (size, size + 1)]
        assert caught.value.code == code and caught.value.unclear

    @pytest.mark.parametrize("body", [b'{"results": []}', b'{"results": "x"}', b"[]", b"null", b'{"results": [1, 2]}'])
    def test_results_that_do_not_match_the_drafts_are_unknown(self, crm, body):
        with faulty(answering(200, body)) as server:
            outcomes = list(crm.connector(url=server.url).upsert("person", drafts(crm, 2)))
        assert outcomes == [Unknown("lead-0", "unreadable"), Unknown("lead-1", "unreadable")]

    @pytest.mark.parametrize("body", [b'{"results": [{}]}', b"[]", b"null", b'{"results": 3, "next_cursor": null}'])
    def test_reads_in_an_unknown_shape_are_an_outage(self, crm, body):
        with faulty(answering(200, body)) as server:
            connector = crm.connector(url=server.url)
            reads = [connector.check, connector.reference, lambda: read_all(connector)]
            reads += [lambda: connector.find("person", ["a"]), lambda: list(connector.stage_history(["a"]))]
            for read in reads:
                with pytest.raises(Outage):
                    read()

    def test_a_lost_answer_is_unknown_and_found_again(self, crm):
        with faulty(forwarding_then_losing_answer(crm.port)) as proxy:
            outcomes = list(crm.connector(url=proxy.url).upsert("person", drafts(crm, 2)))
        assert outcomes == [Unknown("lead-0", "reset"), Unknown("lead-1", "reset")]
        found = crm.connector().find("person", ["lead-0", "lead-1"])
        again = list(crm.connector().upsert("person", drafts(crm, 2)))
        assert again == [Unchanged(key, found[key].remote_id) for key in ("lead-0", "lead-1")]

    def test_nobody_at_the_address_is_clearly_not_written(self, crm):
        with faulty(silent) as server:
            url = server.url
        with pytest.raises(Outage) as caught:
            list(crm.connector(url=url).upsert("person", drafts(crm, 1)))
        assert (caught.value.code, caught.value.unclear) == ("unreachable", False)

    @pytest.mark.parametrize("behavior", [dripping_body, dripping_head])
    def test_the_total_deadline_holds_against_dripping(self, crm, behavior):
        with faulty(behavior) as server:
            connector = crm.connector(url=server.url, read=5, total=0.6)
            started = time.monotonic()
            with pytest.raises(Outage) as caught:
                connector.check()
            assert list(connector.upsert("person", drafts(crm, 1))) == [Unknown("lead-0", "deadline")]
            assert time.monotonic() - started < 3
        assert caught.value.code == "deadline" and caught.value.unclear

    def test_a_session_serves_again_after_a_deadline(self, crm):
        with faulty(dripping_body) as server:
            connector = crm.connector(url=server.url, total=0.3)
            for _ in range(3):
                with pytest.raises(Outage, match=r"more than 0\.3 s"):
                    connector.check()

    def test_redirects_are_refused_and_the_token_stays_here(self, crm):
        with faulty(answering(200)) as elsewhere:
            with faulty(answering(307, b"", f"Location: {elsewhere.url}/v1/me")) as server:
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

    @pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Evil: 1", "ключ"])
    def test_a_malformed_token_never_leaves_and_is_never_printed(self, crm, token):
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

    def test_webhooks_without_a_good_signature_are_misuse(self, crm):
        raw = RawWebhook("POST", "https://portal.example/hook", {}, b"[]", datetime.now(UTC))
        with pytest.raises(Misuse):
            crm.connector().parse_webhook(raw)
