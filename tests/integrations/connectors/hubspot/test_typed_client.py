"""What the connector sends and the dialect answers, against the vendor's own typed client.

Every request of a full round of the connector is recorded at the dialect and made again through `hubspot_sdk`: the
typed client must have a method for it, take each of our members under its own types, build the very same request out
of them, and parse the dialect's answer strictly into its own models. The client covers version 2026-03; the connector
speaks 2026-09, whose published description has the same paths and members, but lets values of properties be null.
"""

import collections.abc
import json
import re
import types
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs

import httpx
import pytest
from hubspot_sdk import HubSpot
from typing_extensions import is_typeddict

from integrations.connectors.base import Draft, Window
from integrations.connectors.hubspot.session import VERSION

COVERED = "2026-03"
# Route of the dialect → the typed client's method; groups of the path are its positional or keyword arguments.
METHODS = (
    ("POST", r"/oauth/V/token", "auth.oauth.create_token", ()),
    ("GET", r"/account-info/V/details", "account.get", ()),
    ("GET", r"/crm/properties/V/(\w+)", "crm.properties.list", ("object_type",)),
    ("POST", r"/crm/properties/V/(\w+)", "crm.properties.create", ("object_type",)),
    ("GET", r"/crm/properties/V/(\w+)/(\w+)", "crm.properties.get", ("object_type", "property_name")),
    ("GET", r"/crm-object-schemas/V/schemas/(\w+)", "crm.object_schemas.get", ("object_type",)),
    ("GET", r"/crm/pipelines/V/(\w+)", "crm.pipelines.list", ("object_type",)),
    ("GET", r"/crm/owners/V", "crm.owners.list", ()),
    ("GET", r"/marketing/campaigns/V", "marketing.campaigns.list", ()),
    ("POST", r"/crm/associations/V/(\w+)/(\w+)/batch/read", "crm.associations.batch.get",
     ("from_object_type", "to_object_type")),
    *(
        (verb, rf"/crm/objects/V/{name}{path}", f"crm.objects.{resource}{method}", ())
        for name, resource in (("contacts", "contacts"), ("0-3", "deals"), ("companies", "companies"))
        for verb, path, method in (
            ("GET", "", ".list"), ("POST", "/search", ".search"), ("POST", "/batch/read", ".batch.get"),
            ("POST", "/batch/upsert", ".batch.upsert"), ("POST", "/batch/update", ".batch.update"),
        )
    ),
)  # fmt: skip


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def typed(value: Any, hint: Any, at: str) -> Any:
    """The value in the client's own names; fails where a member or its type is not in the client's description."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Annotated, Required, NotRequired):
        return typed(value, args[0], at)
    if origin in (Union, types.UnionType):
        failures = []
        for each in args:
            try:
                return typed(value, each, at)
            except AssertionError as failure:
                failures.append(str(failure))
        raise AssertionError("; ".join(failures))
    if is_typeddict(hint):
        assert isinstance(value, dict), f"{at} is no object"
        hints = get_type_hints(hint, include_extras=True)
        named = {snake(name): each for name, each in value.items()}
        assert named.keys() <= hints.keys(), f"{at} has unknown members: {named.keys() - hints.keys()}"
        lacking = {name for name, each in hints.items() if get_origin(each) is Required} - named.keys()
        assert not lacking, f"{at} lacks {lacking}"
        return {name: typed(each, hints[name], f"{at}.{name}") for name, each in named.items()}
    if origin is dict:
        assert isinstance(value, dict), f"{at} is no object"
        return {name: typed(each, args[1], f"{at}.{name}") for name, each in value.items()}
    if origin is Literal:
        assert value in args, f"{at} is {value!r}, not one of {args}"
        return value
    if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        assert isinstance(value, list), f"{at} is no list"
        return [typed(each, args[0], f"{at}[]") for each in value]
    wanted = {float: (float, int), object: object}.get(hint, hint)
    assert isinstance(wanted, (type, tuple)), f"{at} is {value!r}, not {hint}"
    assert isinstance(value, wanted), f"{at} is {value!r}, not {hint}"
    assert not (isinstance(value, bool) and hint is int), f"{at} is {value!r}, not {hint}"
    return value


def from_query(text: str, hint: Any) -> Any:
    """A query's text as the client's type; lists go comma-separated, as the client sends them."""
    hints = {str(each) for each in (*get_args(hint), hint)}
    if any("Sequence" in each for each in hints):
        return text.split(",")
    if bool in get_args(hint) or hint is bool:
        assert text in ("true", "false")
        return text == "true"
    return int(text) if int in get_args(hint) or hint is int else text


def without_nulls(value: Any) -> Any:
    """2026-09 lets values of properties be null; the covered version's models say text."""
    if isinstance(value, dict):
        return {name: "" if each is None else without_nulls(each) for name, each in value.items()}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def replay(request, answer):
    """Make a recorded request through the typed client; returns the client's method."""
    path = request.path.replace(VERSION, "V")
    found = [
        (match, name, groups)
        for verb, pattern, name, groups in METHODS
        if verb == request.method and (match := re.fullmatch(pattern, path))
    ]
    assert len(found) == 1, f"{request.method} {path} is in no resource of the typed client"
    match, name, groups = found[0]
    sent = []

    def transport(built: httpx.Request) -> httpx.Response:
        sent.append(built)
        body = json.dumps(without_nulls(json.loads(answer.body))).encode()
        return httpx.Response(answer.status, content=body, headers={"Content-Type": "application/json"})

    with httpx.Client(transport=httpx.MockTransport(transport)) as http:
        client = HubSpot(access_token="x", http_client=http, max_retries=0, _strict_response_validation=True)
        method = client
        for part in name.split("."):
            method = getattr(method, part)
        hints = get_type_hints(method, include_extras=True)
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form")
        body = request.form() if is_form else json.loads(request.body) if request.body else {}
        named = {snake(key): value for key, value in body.items()}
        kwargs = {key: from_query(values[-1], hints[snake(key)]) for key, values in request.query.items()}
        kwargs = (
            {snake(key): value for key, value in kwargs.items()}
            | named
            | dict(zip(groups, match.groups(), strict=True))
        )
        assert kwargs.keys() <= hints.keys(), f"{name} does not take {kwargs.keys() - hints.keys()}"
        method(**{key: typed(value, hints[key], f"{name}({key})") for key, value in kwargs.items()})
    (built,) = sent
    assert (built.method, built.url.path.replace(COVERED, VERSION)) == (request.method, request.path)
    assert parse_qs(built.url.query.decode()) == request.query
    # A form's members only: the client sends JSON there, against the description, which wants a form as we send it.
    content = built.read()
    assert (json.loads(content) if content else {}) == body
    return name


@pytest.fixture
def recorded(hubspot):
    """(request, answer) of every call."""
    seen, answer = [], hubspot.answer

    def recording(request):
        given = answer(request)
        seen.append((request, given))
        return given

    hubspot.answer = recording
    return seen


def test_every_request_is_one_of_the_typed_client_and_every_answer_its_model(connect, hubspot, recorded):
    connector = connect(oauth=True, page_size=2)
    connector.check()
    connector.prepare()
    connector.reference()
    for kind in ("person", "deal", "account"):
        connector.describe(kind)
    people = [Draft(f"k{n}", {"email": f"p{n}@example.com", "firstname": "P", "lastname": None}) for n in range(5)]
    ids = [each.remote_id for each in connector.upsert("person", people)]
    known = hubspot.records.add("contacts", {"email": "known@example.com"}).id
    hubspot.conflicts_by_row = True
    (adopted,) = connector.upsert("person", [Draft("k9", {"email": "known@example.com", "phone": "1"})])
    assert adopted.remote_id == known
    company = hubspot.records.add("companies", {"name": "Acme"}).id
    deals = [
        hubspot.add_deal({"dealname": f"D{n}", "amount": "5"}, contacts=[(ids[0], "Champion")], company=company)
        for n in range(4)
    ]
    hubspot.move_deal(deals[0], dealstage="closedlost")
    hubspot.records.add("campaigns", {"hs_name": "Fair", "hs_spend_items_sum_amount": "10.5"})
    hubspot.merge("contacts", ids[1], ids[2])
    hubspot.records.archive("contacts", ids[3])
    until = datetime.now(UTC) + timedelta(seconds=5)
    for since in (None, until - timedelta(hours=1)):
        for kind in ("person", "deal", "account"):
            list(connector.changes(kind, Window(since, until)))
            list(connector.gone(kind, Window(since, until)))
    connector.find("person", ["k0", "nobody"])
    connector.fetch("person", [*ids, "1"])
    list(connector.stage_history(deals))
    list(connector.campaigns())
    used = {replay(request, answer) for request, answer in recorded if answer.status < 300}
    refused = [(request.path, answer.status) for request, answer in recorded if answer.status >= 300]
    assert refused == [(f"/crm/properties/{VERSION}/contacts/revops_portal_id", 404)], "prepare looks first"
    assert len(used) >= 18, used
    assert connector.calls == len(recorded)
