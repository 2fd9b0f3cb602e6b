"""The vendors' dialects, found by themselves: a module or folder here with a `DIALECT` is mounted under its prefix."""

import importlib
import pkgutil
from functools import cache

from .base import Call, Dialect, Logged, Route
from .records import Records, position
from .scenario import Fault
from .shapes import Duplicate, ObjectType, Record


@cache
def dialects() -> dict[str, type[Dialect]]:
    """Dialects by kind (`pipedrive`)."""
    modules = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    found = [module.DIALECT for module in modules if hasattr(module, "DIALECT")]
    return {each.kind: each for each in found}


__all__ = [
    "Call", "Dialect", "Duplicate", "Fault", "Logged", "ObjectType", "Record", "Records", "Route", "dialects",
    "position",
]  # fmt: skip
