"""Every request of a whole session, compared with what Salesforce's own guide says of it, and its own collection of
requests for Postman beside it (`facts/salesforce.json`)."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from integrations.connectors.base import Window
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.connectors.salesforce.org import drafts, running_org

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "salesforce.json").read_text())
ITEMS = [item for each in FACTS["requests"] for item in each.get("collection", ())]
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "null": type(None),
}  # fmt: skip


def conform(value: Any, facts: dict[str, Any], where: str) -> None:
    """Assert that a body's value has the type, members and size that the guide gives."""
    assert isinstance(value, TYPES[facts["type"]]), where
    if facts["type"] == "string" and "pattern" in facts:
        assert re.fullmatch(facts["pattern"], value, re.DOTALL), (where, value)
    if facts["type"] == "array":
        assert 0 < len(value) <= facts["most"], where
        queries = [each for each in value if "/query" in str(each.get("url"))]
        assert len(queries) <= facts.get("queries", len(value)), where
        for n, each in enumerate(value):
            conform(each, facts["items"], f"{where}[{n}]")
    if facts["type"] == "object" and "members" in facts:
        assert set(facts.get("required", ())) <= value.keys(), where
        assert not set(facts.get("forbidden", ())) & value.keys(), where
        others = tuple(TYPES[each] for each in facts.get("others", ()))
        for name, member in value.items():
            if name in facts["members"]:
                conform(member, facts["members"][name], f"{where}.{name}")
            else:
                assert others, f"{where}.{name} is not in the guide"
                assert isinstance(member, others), f"{where}.{name} is not in the guide"


def check(request: Any) -> str:
    """Assert that the guide knows the request; returns the page that says so."""
    fact = next(
        (
            each
            for each in FACTS["requests"]
            if each["method"] == request.method and re.fullmatch(each["path"], request.path)
        ),
        None,
    )
    assert fact, f"{request.method} {request.path} is in no page"
    assert request.query.keys() == fact.get("query", {}).keys()
    for name, pattern in fact.get("query", {}).items():
        assert re.fullmatch(pattern, request.query[name][0], re.DOTALL)
        assert len(request.query[name][0]) < FACTS["limits"]["url"]["most"]
    if "content" in fact:
        assert request.headers["content-type"].startswith(fact["content"])
    if "form" in fact:
        form = dict(parse_qsl(request.body.decode()))
        assert any(
            form.keys() == wanted.keys() and all(re.fullmatch(wanted[name], form[name]) for name in wanted)
            for wanted in fact["form"]
        )
    else:
        assert re.fullmatch(r"Bearer \S+", request.headers["authorization"])
    if "body" in fact:
        conform(json.loads(request.body), fact["body"], request.path)
    elif "form" not in fact:
        assert not request.body
    return fact["source"]


def collected(request: Any) -> str:
    """The item of Salesforce's collection that the request is; fails where it sends what no example there sends."""
    for item in ITEMS:
        url = re.sub(r":\w+", r"\\w+", re.escape(item["url"].rstrip("/")).replace(r"\{\{version\}\}", r"68\.0"))
        sent = request.body.decode()
        form = sorted(dict(parse_qsl(sent))) if "form" in item else None
        if item["method"] != request.method or not re.fullmatch(url, request.path.rstrip("/")):
            continue
        if form is not None and form != sorted(item["form"]):
            continue
        assert sorted(request.query) == item.get("query", []), request.path
        if "body" in item:
            body = json.loads(sent)
            assert set(body) <= set(item["body"]), request.path
            assert all(set(item["row"]) - {"body"} <= set(row) for row in body[item["body"][-1]]), request.path
        return str(item["item"])
    assert re.search(r"/query(All)?/\w+-\d+$|/jobs/ingest$", request.path), (
        f"{request.method} {request.path} is not in the collection"
    )
    return "the next page"


@pytest.fixture
def org(tmp_path):
    with running_org(tmp_path) as running:
        yield running


def test_every_request_is_one_of_the_guide(org):
    connector = org.connect(page_size=3)
    connector.check()
    connector.prepare()
    connector.reference()
    for kind in ("person", "account", "deal"):
        connector.describe(kind)
    made = list(connector.upsert("person", drafts(8, NumberOfEmployees=5, Title="")))
    became = org.dialect.convert_lead(made[0].remote_id, deal={"Amount": 5})
    list(connector.upsert("person", drafts(1, Title="CFO")))
    for _ in range(8):
        org.dialect.add_deal({"Amount": 7}, became["contact"])
    window = Window(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(seconds=5))
    for kind in ("person", "account", "deal"):
        pages = list(connector.changes(kind, window))
        connector.fetch(kind, [record.remote_id for page in pages for record in page.records])
    connector.find("person", [f"lead-{n}" for n in range(8)])
    list(connector.stage_history([became["deal"]]))
    list(connector.campaigns())
    list(connector.members(window))
    with org.dialect.faults(Fault("expire")):
        connector.check()
    fresh = org.connect(tokens=connector._session._account.tokens)
    fresh.check()
    sources = {check(logged.request) for logged in org.dialect.log}
    assert sources == {each["source"] for each in FACTS["requests"]}, "each address was asked at least once"
    known = {collected(logged.request) for logged in org.dialect.log}
    assert known == {each["item"] for each in ITEMS} - {"Auth / JWT Bearer Token Flow"} | {"the next page"}
    bad = [(logged.request.path, logged.status) for logged in org.dialect.log if logged.status >= 400]
    assert [status for _, status in bad] == [401]


def test_parts_of_a_composite_are_paths_with_readable_soql(org):
    connector = org.connect()
    connector.reference()
    bodies = [
        json.loads(logged.request.body) for logged in org.dialect.log if logged.request.path.endswith("composite")
    ]
    queries = [unquote(part["url"]) for body in bodies for part in body["compositeRequest"]]
    assert any("FROM OpportunityStage" in query for query in queries)
    assert len({part["referenceId"] for body in bodies for part in body["compositeRequest"]}) == len(queries)
