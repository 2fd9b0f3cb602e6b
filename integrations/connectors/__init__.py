"""Code for each kind of CRM behind one protocol. No Django here; requests lives in `http.py` only."""

from collections.abc import Callable

from .base import Account, Connector, Misuse
from .sandbox import SandboxConnector

KINDS: dict[str, Callable[[Account], Connector]] = {"sandbox": SandboxConnector}


def connector_for(kind: str) -> Callable[[Account], Connector]:
    """The maker of connectors of this kind: `connector_for("sandbox")(Account(…))`. `Misuse` for a kind
    unknown."""
    try:
        return KINDS[kind]
    except KeyError:
        raise Misuse(f"There is no connector for {kind[:40]!a}.", code="unknown_kind") from None
