"""The sandbox CRM's JSON API over a real socket."""

import http.client
import json
import logging
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from integrations.sandbox_crm.server import Bucket
from integrations.sandbox_crm.store import Store
from tests.integrations.sandbox_crm.running import TOKEN, running_crm


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server


def call(server, method, path, body=None, token=TOKEN, raw=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
    connection.request(method, path, data, {"Authorization": f"Bearer {token}"} | headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None, response.headers


def error(server, *args, **kwargs):
    status, payload, _ = call(server, *args, **kwargs)
    assert payload.keys() == {"error"}
    assert payload["error"].keys() == {"code", "message", "field"}
    assert "Traceback" not in payload["error"]["message"]
    return status, payload["error"]["code"], payload["error"]["field"]


def person(server, key="L1", **fields):
    _, payload, _ = call(server, "POST", "/v1/people/upsert", {"records": [{"external_id": key, **fields}]})
    return payload["results"][0]["id"]


def test_health_needs_no_token(server):
    assert call(server, "GET", "/health", token="wrong")[:2] == (200, {"status": "ok"})


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "é"])
def test_the_api_needs_the_token(server, token):
    status, code, _ = error(server, "GET", "/v1/me", token=token)
    assert (status, code) == (401, "unauthorized")


def test_answers_carry_a_date_and_keep_the_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {TOKEN}"})
        response = connection.getresponse()
        response.read()
        assert response.headers["Date"].endswith("GMT")
        assert not response.will_close
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "expected"),
    [
        ("GET", "/v1/nothing", {}, (404, "not_found", "")),
        ("GET", "/v1/people/P-9", {}, (404, "not_found", "")),
        ("PUT", "/v1/deals", {}, (405, "method_not_allowed", "")),
        ("POST", "/v1/people/upsert", {"raw": b"{"}, (400, "invalid_json", "")),
        ("POST", "/v1/people/upsert", {"raw": b"\xff\xfe"}, (400, "invalid_json", "")),
        ("POST", "/v1/people/upsert", {"raw": b"[" * 90_000}, (400, "invalid_json", "")),
        ("POST", "/v1/people/upsert", {"raw": b'{"records": [NaN]}'}, (400, "invalid_json", "")),
        ("POST", "/v1/people/upsert", {"body": []}, (400, "invalid_json", "")),
        ("POST", "/v1/people/upsert", {"body": {}}, (400, "required", "records")),
        ("POST", "/v1/people/upsert", {"body": {"rows": []}}, (400, "unknown_field", "rows")),
        ("POST", "/v1/people/upsert", {"body": {"records": [{}] * 101}}, (400, "too_many", "records")),
        ("GET", "/v1/people?limit=0", {}, (400, "invalid_number", "limit")),
        ("GET", "/v1/people?limit=²", {}, (400, "invalid_number", "limit")),
        ("GET", "/v1/people?cursor=abc", {}, (400, "invalid_cursor", "cursor")),
        ("GET", "/v1/people?modified_from=2026-01-01", {}, (400, "invalid_time", "modified_from")),
        ("GET", "/v1/people?sort=x", {}, (400, "unknown_parameter", "sort")),
        ("POST", "/v1/deals", {"body": {}}, (422, "required", "name")),
        ("POST", "/v1/deals", {"body": {"name": "D", "colour": 1}}, (422, "unknown_field", "colour")),
        ("POST", "/v1/deals", {"body": {"name": "D", "amount": "1.234"}}, (422, "invalid_amount", "amount")),
        ("POST", "/v1/deals", {"body": {"name": "D", "amount": "1e999999"}}, (422, "invalid_amount", "amount")),
        ("POST", "/v1/deals", {"body": {"name": "D", "stage": "x"}}, (422, "unknown_stage", "stage")),
        ("POST", "/v1/deals", {"body": {"name": "D", "owner_id": "x"}}, (422, "unknown_owner", "owner_id")),
        ("POST", "/v1/deals", {"body": {"name": "D", "close_on": "soon"}}, (422, "invalid_date", "close_on")),
        ("POST", "/v1/deals", {"body": {"name": "D", "contacts": [{"person_id": "x"}]}},
         (422, "unknown_person", "contacts")),
        ("POST", "/v1/deals", {"raw": b'{"name": "\\ud800"}'}, (422, "invalid_text", "name")),
        ("POST", "/v1/deals", {"raw": b'{"name": "\\u0000"}'}, (422, "invalid_text", "name")),
        ("PATCH", "/v1/deals/D-9", {"body": {}}, (404, "not_found", "")),
        ("POST", "/v1/deals/history", {"body": {"ids": [1]}}, (400, "invalid_type", "ids")),
    ],
)  # fmt: skip
def test_bad_requests_name_their_fault(server, method, path, kwargs, expected):
    assert error(server, method, path.replace("²", "%C2%B2"), **kwargs) == expected
    assert server.store.counts()["deals"] == 0


def test_a_body_beyond_five_megabytes_is_413_and_is_answered(server):
    assert error(server, "POST", "/v1/people/upsert", raw=b" " * (5 * 1024 * 1024 + 1))[:2] == (413, "too_large")


def test_chunked_and_malformed_lengths_are_refused(server):
    assert error(server, "POST", "/v1/deals", raw=iter([b"{}"]))[:2] == (411, "length_required")
    for raw in (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as sock:
            sock.sendall(raw)
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 ")
        assert b'{"error"' in answer


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"external_id": ""}, "required", "external_id"),
        ({"email": "a@x.example, evil@y.example"}, "invalid_email", "email"),
        ({"first_name": "x" * 121}, "too_long", "first_name"),
        ({"first_name": 5}, "invalid_type", "first_name"),
        ({"owner_id": "O-99"}, "unknown_owner", "owner_id"),
        ({"company_size": True}, "invalid_number", "company_size"),
        ({"properties": {"a": {}}}, "invalid_type", "properties"),
        ({"properties": {"A B": 1}}, "invalid_name", "properties"),
        ({"properties": {"a": 2**63}}, "invalid_number", "properties"),
        ({"nickname": "x"}, "unknown_field", "nickname"),
    ],
)
def test_upsert_rows_fail_alone_with_their_field(server, fields, code, field):
    rows = [{"external_id": "good"}, {"external_id": "bad", **fields}, "no object"]
    status, payload, _ = call(server, "POST", "/v1/people/upsert", {"records": rows})
    good, bad, odd = payload["results"]
    assert status == 200
    assert (good["index"], good["status"]) == (0, "created")
    assert good["id"]
    assert (bad["index"], bad["status"], bad["id"]) == (1, "error", None)
    assert (bad["errors"][0]["code"], bad["errors"][0]["field"]) == (code, field)
    assert (odd["index"], odd["status"]) == (2, "error")


def test_upsert_merges_properties_and_null_removes(server):
    person(server, properties={"score": 5, "stage": "mql"})
    before = server.store.find("people", ["L1"])[0]
    person(server, properties={"score": 5})
    assert server.store.find("people", ["L1"])[0] == before, "unchanged rows keep their stamp"
    person(server, properties={"score": None})
    assert server.store.find("people", ["L1"])[0]["properties"] == {"stage": "mql"}


def test_a_deal_from_opening_to_closing(server):
    person_id = person(server, first_name="Ada")
    status, deal, _ = call(
        server, "POST", "/v1/deals",
        {"name": "Big", "amount": "1234.5", "contacts": [{"external_id": "L1", "role": "champion"}]},
    )  # fmt: skip
    assert (status, deal["stage"], deal["amount"], deal["status"]) == (201, "qualification", "1234.50", "open")
    assert deal["contacts"] == [{"person_id": person_id, "external_id": "L1", "role": "champion", "name": "Ada"}]
    _, won, _ = call(server, "PATCH", f"/v1/deals/{deal['id']}", {"stage": "won", "amount": 2000})
    assert (won["status"], won["amount"], won["close_on"]) == ("won", "2000.00", datetime.now(UTC).date().isoformat())
    assert won["closed_at"]
    assert won["modified_at"] > deal["modified_at"]
    _, same, _ = call(server, "PATCH", f"/v1/deals/{deal['id']}", {"stage": "won", "amount": "2000.00"})
    assert same == won, "no change, no new stamp"
    _, again, _ = call(server, "PATCH", f"/v1/deals/{deal['id']}", {"stage": "proposal"})
    assert (again["status"], again["closed_at"]) == ("open", None)
    _, history, _ = call(server, "POST", "/v1/deals/history", {"ids": [deal["id"]]})
    assert [(each["from_stage"], each["to_stage"], each["amount"]) for each in history["results"]] == [
        (None, "qualification", "1234.50"), ("qualification", "won", "2000.00"), ("won", "proposal", "2000.00"),
    ]  # fmt: skip
    status, archived, _ = call(server, "DELETE", f"/v1/deals/{deal['id']}")
    assert (status, archived["archived"]) == (200, True)


def test_history_cannot_be_rewritten(server, tmp_path):
    server.store.create_deal({"name": "D"}, by="test")
    with sqlite3.connect(tmp_path / "crm.sqlite3") as db:
        for statement in ("UPDATE history SET to_stage = 'won'", "DELETE FROM history"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()


def test_a_known_external_id_cannot_open_a_second_deal(server):
    assert call(server, "POST", "/v1/deals", {"name": "D", "external_id": "X"})[0] == 201
    assert error(server, "POST", "/v1/deals", {"name": "D", "external_id": "X"})[:2] == (409, "duplicate_external_id")


def test_stamps_never_go_back_when_the_clock_does(tmp_path):
    times = [datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC)]
    store = Store(tmp_path / "crm.sqlite3", clock=lambda: times[0])
    store.upsert_people([{"external_id": "a"}])
    times.reverse()
    store.upsert_people([{"external_id": "b"}])
    stamps = [row["modified_at"] for row in store.page("people")]
    store.close()
    assert stamps == ["2026-01-01T12:00:00.000000Z"] * 2


def test_stats_count_calls_by_route(server):
    for _ in range(3):
        call(server, "GET", "/v1/owners")
    person(server)
    call(server, "GET", "/v1/people/P-000001")
    _, stats, _ = call(server, "GET", "/v1/stats")
    assert stats["calls"]["total"] == 5
    assert stats["calls"]["by_route"] == {
        "GET /v1/owners": 3, "POST /v1/people/upsert": 1, "GET /v1/people/{id}": 1,
    }  # fmt: skip
    assert stats["rows"]["people"] == 1


def test_the_bucket_refills_and_says_how_long():
    now = [0.0]
    bucket = Bucket(2, clock=lambda: now[0])
    assert [bucket.wait() for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now[0] = 0.5
    assert bucket.wait() == 0
    assert bucket.wait() == 0.5


def test_too_many_calls_are_429_with_retry_after(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3", rate=0.5) as server:
        answers = [call(server, "GET", "/v1/me") for _ in range(3)]
    assert [status for status, *_ in answers] == [200, 429, 429]
    assert 1 <= int(answers[1][2]["Retry-After"]) <= 2


def test_an_internal_error_is_json_without_a_traceback(server, caplog):
    server.store.close()
    status, code, _ = error(server, "GET", "/v1/owners")
    assert (status, code) == (500, "internal")
    assert "Traceback" in caplog.text, "the log has it"


def test_the_access_log_has_a_line_per_request_and_no_secret(server, caplog):
    caplog.set_level(logging.INFO, "sandbox_crm.access")
    call(server, "GET", f"/?token={TOKEN}")
    call(server, "GET", "/v1/me")
    assert [record.getMessage().split(" ")[:2] for record in caplog.records] == [["GET", "'/'"], ["GET", "'/v1/me'"]]
    assert TOKEN not in caplog.text


def test_twenty_thousand_people_load_in_under_three_seconds(tmp_path):
    store = Store(tmp_path / "crm.sqlite3")
    store.add_defaults()
    born = datetime(2025, 3, 1, tzinfo=UTC)
    started = time.process_time()
    counts = store.bulk_load(
        people=[{"external_id": f"L{n}", "email": f"p{n}@example.com", "created_at": born} for n in range(20_000)],
        deals=[{"external_id": f"O{n}", "name": f"Deal {n}", "stage": "won", "amount": "99.50"} for n in range(1_500)],
        contacts=[{"deal_external_id": f"O{n}", "person_external_id": f"L{n}"} for n in range(1_500)],
        history=[{"deal_external_id": f"O{n % 1500}", "to_stage": "won", "amount": "99.50"} for n in range(6_000)],
    )
    spent = time.process_time() - started
    assert (counts["people"], counts["deals"], counts["contacts"], counts["history"]) == (20_000, 1_500, 1_500, 6_000)
    assert store.upsert_people([{"external_id": "new"}])[0]["id"] == "P-020001", "later ids follow"
    with pytest.raises(sqlite3.IntegrityError):
        store.bulk_load(people=[{"external_id": "late"}], contacts=[{"deal_id": "D-9", "person_id": "P-9"}])
    assert store.counts()["people"] == 20_001, "all or nothing"
    store.close()
    assert spent < 3


def test_the_command_serves_and_stops_cleanly(tmp_path):
    command = [sys.executable, "-m", "integrations.sandbox_crm", "--port", "0", "--token", TOKEN]
    process = subprocess.Popen([*command, "--data", tmp_path / "crm.sqlite3"], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}health", timeout=5) as response:
            assert json.load(response) == {"status": "ok"}
    finally:
        process.terminate()
        code = process.wait(timeout=5)
        process.stdout.close()
    assert code == 0
