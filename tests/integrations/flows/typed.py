"""Accounts at each vendor with mapped fields of every type: options, yes and no, lists, numbers, money."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from integrations.actions.connections.try_connection import try_connection
from integrations.actions.jobs.run_sync import run_sync
from integrations.models import Connection, FieldMap, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock

PLANS = ("Starter", "Team", "Enterprise")
TOPICS = ("CRM", "Billing", "Analytics")


@dataclass
class Typed:
    """One vendor's account with fields of each type: their names over there, and what they hold in the end."""

    world: World
    connection: Connection
    fields: dict[str, str]
    held: dict[str, Any]
    values: dict[str, dict[str, str]]

    def sync(self, clock: Clock) -> list[SyncRun]:
        before = set(SyncRun.objects.values_list("pk", flat=True))
        self.world.later()
        time.sleep(0.01)
        run_sync(connection_id=self.connection.pk, reason="asked for", clock=clock, seed=1)
        return list(SyncRun.objects.exclude(pk__in=before).order_by("pk"))

    def record(self) -> dict[str, Any]:
        (person,) = self.world.people()
        members: dict[str, Any] = person.members
        return members.get("custom_fields", members)


def hubspot(world: World) -> tuple[dict[str, str], dict[str, Any], dict[str, dict[str, str]]]:
    add = world.dialect.add_property
    add("contacts", "fit_score", "number")
    add("contacts", "news", "bool")
    add("contacts", "plan", "enumeration", options=[(f"t{n}", label) for n, label in enumerate(PLANS, 1)])
    add("contacts", "topics", "enumeration", options=[(each.lower(), each) for each in TOPICS], fieldType="checkbox")
    add("contacts", "budget", "number", showCurrencySymbol=True)
    names = {"score": "fit_score", "news": "news", "plan": "plan", "topics": "topics", "budget": "budget"}
    held = {"score": "1250", "news": "true", "plan": "t3", "topics": "analytics;crm", "budget": "12.50"}
    return names, held, {"plan": {"huge": "t3"}}


def salesforce(world: World) -> tuple[dict[str, str], dict[str, Any], dict[str, dict[str, str]]]:
    names = {"score": "Score__c", "news": "Newsletter__c", "plan": "Plan__c", "topics": "Interests__c",
             "budget": "Budget__c"}  # fmt: skip
    held = {"score": 1250, "news": True, "plan": "t3", "topics": "Analytics;CRM", "budget": 12.5}
    return names, held, {"plan": {"huge": "t3"}}


def pipedrive(world: World) -> tuple[dict[str, str], dict[str, Any], dict[str, dict[str, str]]]:
    def add(name: str, kind: str, *options: str) -> str:
        return str(world.dialect.add_field("personField", name, kind, options=options).members["field_code"])

    codes = {
        "score": add("Score", "double"), "news": add("News", "enum", "Yes", "No"), "plan": add("Plan", "enum", *PLANS),
        "topics": add("Topics", "set", *TOPICS), "budget": add("Budget", "monetary"),
    }  # fmt: skip
    held = {"score": 1250, "news": 11, "plan": 13, "topics": [13, 11], "budget": {"value": 12.5, "currency": "EUR"}}
    names = {name: f"custom_fields.{code}" for name, code in codes.items()}
    return names, held, {"plan": {"huge": "13"}}


def typed_account(crm: SandboxServer, kind: str) -> Typed:
    """One vendor's account, connected and tried, with its fields mapped."""
    world = world_of(kind, crm.dialect(kind))
    names, held, values = {"hubspot": hubspot, "salesforce": salesforce, "pipedrive": pipedrive}[kind](world)
    connection = world.connect(crm.url)
    tried = try_connection(connection_id=connection.pk, clock=Clock(), seed=0)
    assert tried.is_ok, tried.words
    names_of_all = {"hubspot": ("email", "firstname", "lastname"), "salesforce": ("Email", "FirstName", "LastName"),
                    "pipedrive": ("email", "first_name", "last_name")}  # fmt: skip
    locals_ = ("email", "first_name", "last_name", *(f"attributes.{name}" for name in names))
    FieldMap.objects.filter(connection=connection, kind="person").delete()
    FieldMap.objects.bulk_create(
        FieldMap(
            connection=connection, kind="person", local=local, remote=remote, position=n, direction="both",
            policy="ours", values=values.get(local.removeprefix("attributes."), {}),
        )
        for n, (local, remote) in enumerate(zip(locals_, (*names_of_all[kind], *names.values()), strict=True))
    )  # fmt: skip
    connection.refresh_from_db()
    return Typed(world, connection, names, held, values)
