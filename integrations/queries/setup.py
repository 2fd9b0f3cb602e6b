"""How far the setup of a connection is: what each step still lacks, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.models import Connection, ExternalRecord, FieldMap, RecordKind, RemoteSchema, StageMap, SyncRun

ACCESS, TEST, FIELDS, STAGES, OWNERS, CONTENT, DRY_RUN = (
    "connection-access", "connection-test", "connection-fields", "connection-stages", "connection-owners",
    "connection-content", "connection-dry-run",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepState:
    """``missing`` says in a few words what a step lacks, "" for nothing; ``blocks``: without it a sync is of no use."""

    missing: str = ""
    blocks: bool = False

    @property
    def is_done(self) -> bool:
        return not self.missing


def step_states(connection: Connection) -> Mapping[str, StepState]:
    """The state of every step by its page's name, in five queries."""
    tested = _test(connection)
    if tested.missing and not connection.account:
        later = StepState("comes after the test")
        rest = dict.fromkeys((FIELDS, STAGES, OWNERS, CONTENT, DRY_RUN), later)
        return {ACCESS: _access(connection), TEST: tested, **rest}
    return {
        ACCESS: _access(connection),
        TEST: tested,
        FIELDS: _fields(connection),
        STAGES: _stages(connection),
        OWNERS: _owners(connection),
        CONTENT: StepState("" if CONTENT in connection.confirmed_steps else "not chosen yet"),
        DRY_RUN: _dry_run(connection),
    }


def gaps(connection: Connection) -> list[str]:
    """What stands between the connection and a sync that is of use, in whole sentences."""
    states = step_states(connection)
    words = {
        ACCESS: "There are no secrets to sign in with.",
        TEST: f"The test: {states[TEST].missing}.",
        FIELDS: f"The fields: {states[FIELDS].missing}.",
        STAGES: f"The stages: {states[STAGES].missing}.",
    }
    return [text for name, text in words.items() if states[name].missing and states[name].blocks]


def has_trial(connection: Connection) -> bool:
    """Whether a dry run has come to its end."""
    runs = SyncRun.objects.filter(connection=connection, direction=SyncRun.Direction.DRY_RUN)
    return runs.filter(state=SyncRun.State.DONE).exists()


def _access(connection: Connection) -> StepState:
    return StepState("" if connection.secret_set_at else "no secrets yet", blocks=True)


def _test(connection: Connection) -> StepState:
    if not connection.account:
        return StepState("not tested yet", blocks=True)
    if connection.health in (Connection.Health.FAILING, Connection.Health.PAUSED):
        return StepState("the last try did not work", blocks=True)
    todo = len(connection.account.get("todo") or ())
    return StepState(f"{todo} thing{'' if todo == 1 else 's'} left to do in the CRM" if todo else "")


def _fields(connection: Connection) -> StepState:
    schema = RemoteSchema.objects.filter(connection=connection, kind=RecordKind.PERSON).first()
    if schema is None:
        return StepState("the CRM's fields were not read yet", blocks=True)
    mapped = set(
        FieldMap.objects.filter(connection=connection, kind=RecordKind.PERSON).values_list("remote", flat=True)
    )
    lacking = [
        str(each["label"])
        for each in schema.fields
        if each.get("is_required") and each.get("is_writable") and each["name"] not in mapped
    ]
    return StepState(f"{', '.join(lacking[:3])} required there" if lacking else "")


def _stages(connection: Connection) -> StepState:
    rows = list(StageMap.objects.filter(connection=connection).values_list("stage", flat=True))
    unmapped = sum(stage is None for stage in rows)
    if not rows or unmapped == len(rows):
        return StepState("none mapped, so no deal can be read", blocks=True)
    return StepState(f"{unmapped} of {len(rows)} not mapped" if unmapped else "")


def _owners(connection: Connection) -> StepState:
    rows = list(
        ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER).values_list("owner", flat=True)
    )
    nobody = sum(owner is None for owner in rows)
    if not nobody or OWNERS in connection.confirmed_steps:
        return StepState()
    return StepState(f"{nobody} of {len(rows)} not matched")


def _dry_run(connection: Connection) -> StepState:
    return StepState("" if has_trial(connection) else "none yet")
