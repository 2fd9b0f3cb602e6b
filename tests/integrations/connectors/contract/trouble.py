"""Answers that are no answers: what is clear, what is not, and when to come back."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from integrations.connectors.base import Outage, QuotaDay, RetryLater, ScopeMissing, Throttled, Unknown
from tests.integrations.connectors.contract.reading import drafts, read_all
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
from tests.integrations.connectors.harness import SECRET


class TroubleContract:
    """Refusals, limits, half answers, silence."""

    def test_forbidden_is_a_missing_scope(self, crm):
        # Where the secret is sent itself, the answer may echo it.
        token = {} if crm.expire_tokens else {"token": SECRET}
        with crm.answering(403, crm.forbidden) as server, pytest.raises(ScopeMissing) as caught:
            crm.connector(url=server.url, **token).check()
        assert caught.value.permanent
        assert SECRET not in str(caught.value)

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
        assert caught.value.stops_connection
        assert not caught.value.permanent

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
        assert caught.value.code == code
        assert caught.value.unclear

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
        assert caught.value.code == "deadline"
        assert caught.value.unclear

    def test_a_session_serves_again_after_a_deadline(self, crm):
        with crm.faulty(dripping_body) as server:
            connector = crm.connector(url=server.url, total=0.3)
            for _ in range(3):
                with pytest.raises(Outage, match=r"more than 0\.3 s"):
                    connector.check()
