"""Attribution methods, one per module; a module put here is found and registered by itself."""

import pkgutil
from importlib import import_module

from attribution.pure.methods.registry import Fit, Method, Options, all_methods, get_method, method, methods_on_offer

__all__ = ["Fit", "Method", "Options", "all_methods", "get_method", "method", "methods_on_offer"]

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
