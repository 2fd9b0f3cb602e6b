"""The words of the mail and the page that confirm a sign-up, by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailWords:
    """What is said around a confirmation."""

    subject: str
    ask: str
    button: str
    otherwise: str
    done: str
    expired: str


_WORDS: Mapping[str, MailWords] = {
    "en": MailWords(
        "Please confirm",
        "Please confirm that you want to receive this by email.",
        "Confirm",
        "If you did not ask for it, do nothing: you will not get another email.",
        "Thank you, it is confirmed.",
        "This link does not work",
    ),
    "de": MailWords(
        "Bitte bestätigen",
        "Bitte bestätigen Sie, dass Sie dies per Mail erhalten möchten.",
        "Bestätigen",
        "Wenn Sie das nicht angefordert haben, tun Sie nichts: Sie erhalten keine weitere Mail.",
        "Danke, das ist bestätigt.",
        "Dieser Link funktioniert nicht",
    ),
    "fr": MailWords(
        "Veuillez confirmer",
        "Veuillez confirmer que vous souhaitez recevoir ces courriels.",
        "Confirmer",
        "Si vous n’avez rien demandé, ne faites rien : vous ne recevrez pas d’autre courriel.",
        "Merci, c’est confirmé.",
        "Ce lien ne fonctionne pas",
    ),
    "es": MailWords(
        "Por favor, confirme",
        "Confirme que desea recibir estos correos.",
        "Confirmar",
        "Si no lo ha solicitado, no haga nada: no recibirá más correos.",
        "Gracias, queda confirmado.",
        "Este enlace no funciona",
    ),
}


def mail_words(language: str) -> MailWords:
    """The words of a language; English where there are none."""
    return _WORDS.get(language, _WORDS["en"])
