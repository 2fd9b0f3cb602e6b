"""Structured logs: one line per event with the request id; JSON in production, readable text elsewhere."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# Values under these names never reach a log line, whoever logs them.
SECRET_NAMES = ("password", "secret", "token", "api_key", "authorization", "cookie", "client_secret")


# A password can be set by whoever knows this address, and request lines hold addresses.
_RESET_KEY = re.compile(r"(?<=/password/reset/key/)[^/\s]+")
# A key in the query is refused, but whoever sent it there goes on using it.
_QUERY_SECRET = re.compile(rf"(?<=[?&;])(\w*(?:{'|'.join(SECRET_NAMES)})\w*=)[^&;\s'\"]+", re.IGNORECASE)


def redact(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Blank the values of members whose name says they are secret, at any depth, and keys in addresses."""
    return _blanked(event)  # type: ignore[no-any-return]


def _blanked(value: Any) -> Any:
    if isinstance(value, str):
        return _QUERY_SECRET.sub(r"\1[redacted]", _RESET_KEY.sub("[redacted]", value))
    if isinstance(value, MutableMapping):
        return {name: "[redacted]" if _is_secret(name) else _blanked(inner) for name, inner in value.items()}
    if isinstance(value, list):  # a tuple is the exception's triple, which the formatter wants as it is
        return [_blanked(inner) for inner in value]
    return value


def _is_secret(name: object) -> bool:
    return any(word in str(name).lower() for word in SECRET_NAMES)


def structlog_logging(*, as_json: bool, level: str) -> dict[str, Any]:
    """Configure structlog and return Django's ``LOGGING`` dictionary that renders through it."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "fontTools": {"level": "WARNING"},
            "weasyprint": {"level": "ERROR"},
        },
    }
