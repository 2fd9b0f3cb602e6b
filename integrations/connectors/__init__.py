"""Code for each kind of CRM behind one protocol. No Django here; requests lives in `http/` only.

A connector is a module or a folder of this package that exposes `VENDOR`, `RULES` and `connect`; it is found by itself.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType

from integrations.pure.mapping import FieldRule

from .base import Account, Connector, Kind, Misuse, Vendor

Rules = Mapping[Kind, tuple[FieldRule, ...]]


@cache
def _modules() -> dict[str, ModuleType]:
    found = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    return {module.VENDOR.kind: module for module in found if hasattr(module, "VENDOR")}


def _module(kind: str) -> ModuleType:
    try:
        return _modules()[kind]
    except KeyError:
        raise Misuse(f"There is no connector for {kind[:40]!a}.", code="unknown_kind") from None


def vendors() -> tuple[Vendor, ...]:
    """Every kind of CRM, by name; the sandbox comes last."""
    found: list[Vendor] = [module.VENDOR for module in _modules().values()]
    return tuple(sorted(found, key=lambda vendor: (vendor.kind == "sandbox", vendor.name)))


def vendor(kind: str) -> Vendor:
    """What the wizard must know of this kind. `Misuse` for a kind unknown, here and below."""
    found: Vendor = _module(kind).VENDOR
    return found


def rules(kind: str) -> Rules:
    """The mapping that a new connection of this kind starts with."""
    found: Rules = _module(kind).RULES
    return found


def connector_for(kind: str) -> Callable[[Account], Connector]:
    """The maker of connectors of this kind: `connector_for("sandbox")(Account(…))`."""
    made: Callable[[Account], Connector] = _module(kind).connect
    return made
