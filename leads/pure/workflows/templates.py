"""Email templates in Liquid, strict and bounded: an unknown name is an error, and no template runs for long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

from leads.pure.refused import Refused

LONGEST = 20_000
_UNSAFE_TAGS = ("include", "render", "doc", "ifchanged", "tablerow")
SAMPLE: Mapping[str, Mapping[str, str]] = {
    "lead": {
        "first_name": "Ada",
        "last_name": "Byron",
        "name": "Ada Byron",
        "email": "ada@example.com",
        "company": "Analytical Engines",
        "job_title": "Chief Technology Officer",
        "country": "DE",
        "industry": "Software",
        "stage": "MQL",
    },
    "owner": {"name": "Grace Hopper", "first_name": "Grace", "email": "grace@example.com"},
    "company": {"name": "Our company"},
    "form": {"name": "Demo request"},
}
"""What templates can name, with a person to look at."""


class TemplateRefused(Refused):
    """The template cannot be used; the message says where."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An email as it goes out: one line of subject, and the text."""

    subject: str
    text: str


class _Bounded(Environment):
    loop_iteration_limit = 1_000
    output_stream_limit = 100_000
    local_namespace_limit = 50_000
    context_depth_limit = 10


def _environment() -> Environment:
    environment = _Bounded(undefined=StrictUndefined)
    for name in _UNSAFE_TAGS:
        environment.tags.pop(name, None)
    return environment


_ENVIRONMENT = _environment()


def compose(subject: str, body: str, values: Mapping[str, Mapping[str, str]]) -> Letter:
    """The email of a template. Raises TemplateRefused with the line that is wrong."""
    lines = _rendered(body, values, "Text").replace("\r\n", "\n").split("\n")
    text = "\n".join(line.rstrip() for line in lines).strip()
    title = " ".join(_rendered(subject, values, "Subject").split())[:160]
    if not title:
        raise TemplateRefused("Subject: it is empty.")
    if not text:
        raise TemplateRefused("Text: it is empty.")
    return Letter(title, text)


def check_template(subject: str, body: str) -> Letter:
    """The email for a made-up person, with every name known. Raises TemplateRefused.

    Conditions of the template hide what they leave out, so it is tried on a person of whom nothing is known, too.
    """
    compose(subject, body, {group: dict.fromkeys(names, "") for group, names in SAMPLE.items()})
    return compose(subject, body, SAMPLE)


@lru_cache(maxsize=200)
def _template(source: str) -> BoundTemplate:
    """Parsed once: one template makes many emails."""
    return _ENVIRONMENT.from_string(source)


def _rendered(source: str, values: Mapping[str, Mapping[str, str]], what: str) -> str:
    if len(source) > LONGEST:
        raise TemplateRefused(f"{what}: at most {LONGEST:,} characters.")
    try:
        return str(_template(source).render(**values))
    except LiquidError as error:
        line = error.token.start_index if error.token is not None else None
        where = f"line {source.count(chr(10), 0, line) + 1}: " if line is not None else ""
        raise TemplateRefused(f"{what}, {where}{error.message}.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise TemplateRefused(f"{what}: it cannot be filled in ({type(error).__name__}).") from error
