"""Texts of pages, emails, documents and the API keep to the glossary (docs/glossary.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.apps import apps

from tests.architecture import texts
from tests.architecture.texts import Text

# What the glossary's right-hand columns say, as patterns; names of models keep "first touch" and "last touch".
OUTSIDE = {
    "touch": r"(?<!first )(?<!last )(?<!non-direct )(?<!multi-)(?<![-_\w])touch(es)?\b(?![-_.=]\w|es_)",
    "e-mail": r"(?<!\*)(?<!\|)\be-mails?\b(?!\||\*)",
    "keeps to": r"keeps? to (marketing|sales)\b",
    "how far to trust": r"how far to trust (this|any|them)",
    "reads differently": r"reads? differently",
    "today it would read": r"today it would read",
    "a quarter ago": r"\ba quarter ago",
    "slips": r"stage (slips|advances)\b",
    "those who entered": r"conversion of those who entered",
    "verdict flips": r"verdict flips",
    "journeys of": r"\bJourneys of\Z",
    "basis": r"\A(Date )?Basis\Z",
    "self-initiated excluded": r"self-initiated excluded",
    "nothing goes wrong": r"nothing goes wrong",
    "forwarded mail": r"forwarded mail",
    "in the order to take them": r"in the order to take them",
    "worth working": r"\bthis MQL worth working",
    "what happened": r"\AWhat happened\Z",
    "known since": r"\bknown since\Z",
    "last in step": r"last in step",
    "plan a contact": r"plan a contact",
    "wait for nobody": r"wait for nobody",
    "who wins": r"\bwho wins\b",
    "travels": r"\btravels\b",
    "nobody here": r"\bnobody here\b(?! (is|has|can|may))",
    "over there": r"\bover there\b",
    "mean nothing": r"means? nothing here",
    "circuit": r"\bCircuit\b|\bcalls go out\b",
    "same and new": r"\d new, \d+ same",
    "whole again": r"whole again",
    "known so far": r"are known so far",
    "who said": r"\bwho said (it|what)\b",
    "everything an admin keeps": r"everything an admin keeps",
}
METHOD = r"(?<![\w./=<%-])methods?\b(?![\w./=(>_-])"
# Where the word means something else: of HTTP, of a class, of counting.
OTHER_METHODS = r"HTTP method|method of (two|counting|measur)|statistical method"


def found_in(every: list[Text], pattern: str) -> list[str]:
    return [str(text) for text in every if re.search(pattern, " ".join(text.text.split()), re.IGNORECASE)]


def of_models() -> Iterator[Text]:
    """Names that the administration shows, written or made of the field's name."""
    for model in apps.get_models():
        if model.__module__.split(".")[0] in texts.PACKAGES:
            names = [model._meta.verbose_name, model._meta.verbose_name_plural]
            for name in [*names, *(field.verbose_name for field in model._meta.fields)]:
                yield Text(f"{model._meta.app_label}/models/{model.__name__}", 0, str(name))


@pytest.fixture(scope="module")
def every() -> list[Text]:
    documents = [text for text in texts.of_documents() if "decisions/" not in text.path and "glossary" not in text.path]
    return [*texts.of_templates(), *texts.of_code(), *documents, *texts.of_api(), *of_models()]


def test_every_kind_of_text_is_read(every: list[Text]) -> None:
    assert len(list(texts.of_templates())) > 2_000
    assert len(list(texts.of_code())) > 5_000
    assert len(list(texts.of_documents())) > 1_000
    assert len(list(texts.of_api())) > 300


@pytest.mark.parametrize("pattern", OUTSIDE.values(), ids=OUTSIDE)
def test_no_text_uses_a_word_outside_the_glossary(pattern: str, every: list[Text]) -> None:
    assert found_in(every, pattern) == []


def test_texts_about_attribution_say_model(every: list[Text]) -> None:
    own = ("templates/attribution", "templates/alignment", "attribution/", "alignment/")
    texts_of_it = [text for text in every if text.path.startswith(own) and "|" not in text.text]
    assert found_in([text for text in texts_of_it if not re.search(OTHER_METHODS, text.text)], METHOD) == []


PLANTED = """<h2>Touches of its people</h2><td data-label="Known since">{% empty_state "Nobody here" "why" %}</td>
{# Circuit #}<p class="touches">{{ count }} touch{{ count|pluralize:"es" }}</p>{% if a == "over there" %}x{% endif %}"""


@pytest.mark.parametrize(
    ("name", "seen"), [("touch", 2), ("known since", 1), ("nobody here", 1), ("circuit", 0), ("over there", 0)]
)
def test_planted_words_are_found(name: str, seen: int) -> None:
    assert len(found_in(list(texts.of_template(PLANTED, "planted.html")), OUTSIDE[name])) == seen


def test_planted_words_in_code_are_found() -> None:
    planted = '"""Docstring with touches."""\nlabel = f"{count} touches left"\nkey = "touches"\n'
    assert len(found_in(list(texts.of_module(planted, "planted.py")), OUTSIDE["touch"])) == 1
