"""The registry of attribution methods: what a method is and how to find one."""

from collections.abc import Callable
from dataclasses import dataclass

from attribution.pure.journeys import Journeys
from attribution.pure.ordering import Floats


@dataclass(frozen=True)
class Options:
    """What a company may set about methods. ``half_life_days`` is time decay's, and positive."""

    half_life_days: float = 7.0

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise ValueError("half_life_days must be positive")


Weights = Callable[[Journeys, Options], Floats]


@dataclass(frozen=True)
class Method:
    """An attribution rule.

    ``weights(journeys, options)`` returns float64[touches], none negative. A journey's weights sum to 1, or
    to 0 when the method finds no touch to credit: that deal is then Unattributed under this method. Change a
    method's meaning and its ``version`` rises. ``order`` is its place in lists.
    """

    key: str
    name: str
    version: int
    sentence: str
    order: int
    weights: Weights


_METHODS: dict[str, Method] = {}


def method(*, key: str, name: str, version: int, sentence: str, order: int) -> Callable[[Weights], Weights]:
    """Register a weights function as a method. Raises ValueError when the key is taken."""

    def register(weights: Weights) -> Weights:
        if key in _METHODS:
            raise ValueError(f"method {key!r} is registered twice")
        _METHODS[key] = Method(key, name, version, sentence, order, weights)
        return weights

    return register


def get_method(key: str) -> Method:
    """Return the method with this key. Raises KeyError, naming the keys there are, when there is none."""
    try:
        return _METHODS[key]
    except KeyError:
        raise KeyError(f"no method {key!r}; there are {', '.join(sorted(_METHODS))}") from None


def all_methods() -> tuple[Method, ...]:
    """Return every method in the order of lists."""
    return tuple(sorted(_METHODS.values(), key=lambda entry: (entry.order, entry.key)))
