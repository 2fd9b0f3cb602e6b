"""Answers to a form: what was typed becomes values of a lead, or a message beside the field.

Nothing here knows whether anybody is known: the same answers give the same result for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from leads.pure.capture.captured import MAX_TAG, CapturedConsent, CapturedEvent, CapturedItem, Utm
from leads.pure.channels.landing import parameters, tags_of
from leads.pure.spelling.identity import InvalidCountry, InvalidEmail, normalize_country, normalize_email
from leads.pure.spelling.phones import InvalidPhone, clean_phone
from leads.pure.spelling.texts import clean_text
from leads.pure.web_forms.definition import EMAIL, Field

MAX_SIZE = 10_000_000
MAX_ADDRESS = 1000


@dataclass(frozen=True, slots=True)
class Words:
    """What a form says by itself, in one language."""

    required: str
    too_long: str
    email: str
    phone: str
    country: str
    number: str
    date: str
    choice: str
    consent: str
    problems: str
    token: str
    optional: str
    away: str
    busy: str
    gone: str


_WORDS: Mapping[str, Words] = {
    "en": Words(
        "Please fill in this field.", "Please write at most {most} characters.", "Please enter an email address.",
        "Please enter a phone number.", "Please enter a country.", "Please enter a whole number.",
        "Please enter a date.", "Please choose one of the options.", "Please agree to go on.",
        "Please check the marked fields.", "Please send the form once more.", "optional",
        "It could not be sent. Please try again.", "Too many tries. Please wait a minute.",
        "This form is not open.",
    ),
    "de": Words(
        "Bitte füllen Sie dieses Feld aus.", "Bitte höchstens {most} Zeichen.",
        "Bitte geben Sie eine Mailadresse ein.", "Bitte geben Sie eine Telefonnummer ein.",
        "Bitte geben Sie ein Land ein.", "Bitte geben Sie eine ganze Zahl ein.", "Bitte geben Sie ein Datum ein.",
        "Bitte wählen Sie eine der Möglichkeiten.", "Bitte stimmen Sie zu, um fortzufahren.",
        "Bitte prüfen Sie die markierten Felder.", "Bitte senden Sie das Formular noch einmal.", "freiwillig",
        "Senden nicht möglich. Bitte versuchen Sie es noch einmal.", "Zu viele Versuche. Bitte warten Sie eine Minute.",
        "Dieses Formular ist nicht offen.",
    ),
    "fr": Words(
        "Veuillez remplir ce champ.", "{most} caractères au plus.", "Veuillez saisir une adresse de courriel.",
        "Veuillez saisir un numéro de téléphone.", "Veuillez saisir un pays.", "Veuillez saisir un nombre entier.",
        "Veuillez saisir une date.", "Veuillez choisir une option.", "Veuillez accepter pour continuer.",
        "Veuillez vérifier les champs indiqués.", "Veuillez renvoyer le formulaire.", "facultatif",
        "L’envoi a échoué. Veuillez réessayer.", "Trop de tentatives. Veuillez patienter une minute.",
        "Ce formulaire n’est pas ouvert.",
    ),
    "es": Words(
        "Rellene este campo.", "Como máximo {most} caracteres.", "Escriba una dirección de correo electrónico.",
        "Escriba un número de teléfono.", "Escriba un país.", "Escriba un número entero.", "Escriba una fecha.",
        "Elija una de las opciones.", "Debe aceptar para continuar.", "Revise los campos marcados.",
        "Envíe el formulario otra vez.", "opcional",
        "No se pudo enviar. Inténtelo de nuevo.", "Demasiados intentos. Espere un minuto.",
        "Este formulario no está abierto.",
    ),
}  # fmt: skip
LANGUAGES = (("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish"))


def words_of(language: str) -> Words:
    """The words of a language; English where there are none."""
    return _WORDS.get(language, _WORDS["en"])


@dataclass(frozen=True, slots=True)
class Context:
    """Where the form was sent from; empty means unknown."""

    landing_page: str = ""
    referrer: str = ""
    visitor_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A form as far as reading its answers goes. ``consent`` is the text that is asked for, "" for none."""

    fields: Sequence[Field]
    name: str
    kind: str
    campaign: str = ""
    language: str = "en"
    consent: str = ""
    consent_required: bool = False


@dataclass(slots=True)
class Answers:
    """Values by field, and for each fault a message by the field's name ("consent" for the consent)."""

    details: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    agreed: bool = False


def read_answers(asked: Asked, given: Mapping[str, Any]) -> Answers:
    """Read what was typed. Hidden fields answer with their value, whatever was sent for them."""
    read, words = Answers(), words_of(asked.language)
    for each in asked.fields:
        text = each.value if each.is_hidden else _text(each, given.get(each.name))
        try:
            value = _value(each, text, words)
        except ValueError as error:
            read.faults[each.name] = str(error)
            continue
        (read.attributes if each.is_attribute else read.details)[each.name] = value
    if asked.consent:
        read.agreed = _is_on(given.get("consent"))
        if asked.consent_required and not read.agreed:
            read.faults["consent"] = words.consent
    read.attributes = {name: value for name, value in read.attributes.items() if value not in ("", None)}
    read.details = {name: value for name, value in read.details.items() if value not in ("", None)}
    return read


def item_of(asked: Asked, read: Answers, context: Context, at: datetime) -> CapturedItem:
    """What capture takes: the person, sending the form, and what they agreed to. ``read`` has no faults."""
    page = context.landing_page[:MAX_ADDRESS]
    tags = {name: value.replace("\0", "").strip()[:MAX_TAG] for name, value in tags_of(parameters(page)).items()}
    event = CapturedEvent(
        kind=asked.kind,
        occurred_at=at,
        name=asked.name,
        utm=Utm(**tags),
        landing_page=page,
        referrer=context.referrer[:MAX_ADDRESS],
        visitor_id=context.visitor_id[:64],
        user_agent=context.user_agent[:300],
        campaign=asked.campaign,
    )
    consent = CapturedConsent(asked.consent, at) if read.agreed else None
    return CapturedItem(event=event, attributes=read.attributes, consent=consent, **read.details)


def _is_on(value: object) -> bool:
    return value is True or str(value or "").lower() in ("on", "true", "1", "yes")


def _text(each: Field, value: object) -> str:
    if each.input == "checkbox":
        return "yes" if _is_on(value) else ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    text = str(value).replace("\0", "").strip()
    if each.input == "textarea":
        return "\n".join(clean_text(line) for line in text.splitlines()).strip()
    return clean_text(text)


def _value(each: Field, text: str, words: Words) -> Any:
    """The value of a field. Raises ValueError with a message in the form's language."""
    if not text:
        if each.is_required:
            raise ValueError(words.required)
        return ""
    if len(text) > each.longest:
        raise ValueError(words.too_long.format(most=each.longest))
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError(words.required)
    if each.input == "select" and text not in each.options:
        raise ValueError(words.choice)
    match each.target if not each.is_attribute else each.input:
        case "email" if each.target == EMAIL:
            return _or(lambda: normalize_email(text), InvalidEmail, words.email)
        case "phone":
            return _or(lambda: clean_phone(text), InvalidPhone, words.phone)
        case "country":
            return _or(lambda: normalize_country(text), InvalidCountry, words.country)
        case "company_size":
            return _whole(text, words)
        case "number":
            return _whole(text, words)
        case "date":
            return _or(lambda: date.fromisoformat(text).isoformat(), ValueError, words.date)
        case "checkbox":
            return True
        case _:
            return text


def _whole(text: str, words: Words) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_SIZE:
        raise ValueError(words.number)
    return int(text)


def _or(make: Any, error: type[Exception], message: str) -> Any:
    try:
        return make()
    except error as why:
        raise ValueError(message) from why
