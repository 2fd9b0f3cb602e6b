"""What holds for every address of the API, as its own description lists them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from leads.models import Company, Scope
from tests.leads.api.keys import make_key

ANY = {"kind": "leads", "week": "2026-W46"}


@cache
def described() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described()["paths"].items():
        if method in methods:
            yield path, methods[method]


def parameters(operation: dict[str, Any], place: str) -> list[str]:
    return [each["name"] for each in operation.get("parameters", []) if each["in"] == place]


READ = dict(operations("get"))
LISTS = [path for path, operation in READ.items() if operation["operationId"].startswith("list_")]

WHOLE = {"/api/v1/figures", "/api/v1/integration-points"}
"""Lists that are as long as the registry is, and never come in pages."""
BY_PLACE = {"/api/v1/figures/{key}/rows"}
"""Rows in the order of their figure, which has no key to go on from."""


def address(path: str) -> str:
    """The path with something for each of its parameters, which need not exist."""
    names = parameters(READ[path], "path")
    return path.format(**{name: ANY.get(name, str(UUID(int=7))) for name in names})


@pytest.fixture
def key(company: Company) -> dict[str, str]:
    return make_key(*Scope.values)[1]


@pytest.mark.django_db
@pytest.mark.parametrize("path", READ)
def test_an_unknown_parameter_is_refused_by_name(client: Client, key: dict[str, str], path: str) -> None:
    answer = client.get(address(path), {"emial": "x"}, headers=key)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/emial"]
    assert "Unknown parameter" in answer.json()["detail"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, each in READ.items() for name in parameters(each, "query")]
)
def test_every_described_parameter_is_known(client: Client, key: dict[str, str], path: str, name: str) -> None:
    answer = client.get(address(path), {name: "x"}, headers=key)
    assert "Unknown parameter" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["0", "1001", "x", "", "-1", "1.5", "９"])
def test_a_limit_that_is_none_is_refused(client: Client, key: dict[str, str], limit: str) -> None:
    answer = client.get("/api/v1/leads", {"limit": limit}, headers=key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/limit"


@pytest.mark.django_db
def test_a_parameter_given_twice_is_refused_unless_several_are_meant(client: Client, key: dict[str, str]) -> None:
    twice = client.get("/api/v1/leads?email=a@b.example&email=c@d.example", headers=key)
    assert twice.json()["errors"] == [{"pointer": "/email", "code": "invalid", "detail": "Give it once."}]
    several = client.get("/api/v1/leads?stage=mql&stage=sal", headers=key)
    assert several.status_code == 200


@pytest.mark.parametrize("path", [path for path in LISTS if path not in WHOLE])
def test_every_list_describes_its_paging(path: str) -> None:
    place = "offset" if path in BY_PLACE else "cursor"
    assert {place, "limit"} <= set(parameters(READ[path], "query"))
    assert "next" in described()["components"]["schemas"][_page(READ[path])]["properties"]


def _page(operation: dict[str, Any]) -> str:
    return operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]


@pytest.mark.parametrize("method", ["get", "post"])
def test_rates_and_trouble_are_described_everywhere(method: str) -> None:
    for _, operation in operations(method):
        answers = operation["responses"]
        done = min(status for status in answers if status.startswith("2"))
        assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(answers[done]["headers"])
        assert "Retry-After" in answers["429"]["headers"]
        assert "Retry-After" in answers["503"]["headers"]
        assert answers["503"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
