"""The registry of attribution methods: what a method is and how to find one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys


@dataclass(frozen=True, eq=False)
class Fit:
    """What a data-driven method learned, laid out for one set of journeys (see ``attribution.pure.learning.fits``).

    ``values`` float64[places] is aligned with ``Journeys.campaign``; what they mean is the method's affair. The others
    are the additive hazard's: ``scale_days`` is the mean of its lag, ``baseline`` float64[opportunities], aligned with
    ``Milestones``, each deal's hazard per day without any touch.
    """

    values: Floats
    scale_days: float = 1.0
    baseline: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Options:
    """What a company may set about methods, and what data-driven ones learned, by method key.

    ``half_life_days`` is time decay's, and positive.
    """

    half_life_days: float = 7.0
    fits: Mapping[str, Fit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise ValueError("half_life_days must be positive")


Weights = Callable[[Journeys, Options], Floats]


@dataclass(frozen=True)
class Method:
    """An attribution rule.

    ``weights(journeys, options)`` returns float64[touches], none negative. A journey's weights sum to 1, or
    to 0 when the method finds no touch to credit: that deal is then Unattributed under this method. A method that
    ``has_baseline`` may sum to anything between: what it leaves over would have come anyway. One that ``needs_fit``
    reads ``options.fits[key]`` and raises KeyError without it. Change a method's meaning and its ``version`` rises.
    ``order`` is its place in lists.
    """

    key: str
    name: str
    version: int
    sentence: str
    order: int
    weights: Weights
    needs_fit: bool = False
    has_baseline: bool = False


_METHODS: dict[str, Method] = {}


def method(
    *,
    key: str,
    name: str,
    version: int,
    sentence: str,
    order: int,
    needs_fit: bool = False,
    has_baseline: bool = False,
) -> Callable[[Weights], Weights]:
    """Register a weights function as a method. Raises ValueError when the key is taken."""

    def register(weights: Weights) -> Weights:
        if key in _METHODS:
            raise ValueError(f"model {key!r} is registered twice")
        _METHODS[key] = Method(key, name, version, sentence, order, weights, needs_fit, has_baseline)
        return weights

    return register


def get_method(key: str) -> Method:
    """Return the registered method with this key. Raises KeyError, naming the keys there are, when there is none."""
    try:
        return _METHODS[key]
    except KeyError:
        raise KeyError(f"no model {key!r}; there are {', '.join(sorted(_METHODS))}") from None


def all_methods() -> tuple[Method, ...]:
    """Return every registered method in the order of lists, also those that need a fit."""
    return tuple(sorted(_METHODS.values(), key=lambda entry: (entry.order, entry.key)))


def methods_on_offer(fitted: Iterable[str] = (), custom: Iterable[Method] = ()) -> tuple[Method, ...]:
    """Return the methods that can be computed, in the order of lists: registered ones that need no fit or whose key is
    among ``fitted``, then the company's own."""
    known = frozenset(fitted)
    registered = (entry for entry in all_methods() if not entry.needs_fit or entry.key in known)
    return (*registered, *sorted(custom, key=lambda entry: (entry.order, entry.name, entry.key)))
