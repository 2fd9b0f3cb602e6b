"""Who may do what with imports, and whom and what the words of a file mean."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

from leads.models import Account, Campaign, PipelineStage, Role, User
from leads.pure.imports.words import DealStage


def may_import(user: User) -> bool:
    """Whether a person may bring files in: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def deal_stages() -> list[DealStage]:
    """The stages of deals, in their order."""
    rows = PipelineStage.objects.order_by("position", "pk").values_list("key", "name", "status")
    return [DealStage(*row) for row in rows]


def campaigns_named() -> dict[str, int]:
    """Campaigns by code and by name, without regard to case; a name of several campaigns means none."""
    rows = list(Campaign.objects.values_list("pk", "code", "name"))
    names = Counter(name.casefold() for _, _, name in rows)
    by_name = {name.casefold(): pk for pk, _, name in rows if names[name.casefold()] == 1}
    return {**by_name, **{code.casefold(): pk for pk, code, _ in rows}}


def campaign_codes() -> dict[str, str]:
    """The code of each campaign by its code and its name, as :func:`campaigns_named`."""
    ids = campaigns_named()
    codes = dict(Campaign.objects.values_list("pk", "code"))
    return {name: codes[pk].casefold() for name, pk in ids.items() if pk in codes}


def users_named(words: Collection[str]) -> dict[str, User]:
    """Who is meant by an email address or a full name, by the word; a name of several people means nobody.

    People who left are found, too: their deals stay theirs. Of two with one name, one active, it is that one.
    """
    wanted = {_spelled(word): word for word in words if word}
    if not wanted:
        return {}
    found: dict[str, list[User]] = {}
    for user in User.objects.order_by("pk"):
        for name in {_spelled(user.email), _spelled(user.name), _turned(user.name)} - {""}:
            if name in wanted:
                found.setdefault(name, []).append(user)
    chosen = {name: [user for user in users if user.is_active] or users for name, users in found.items()}
    return {word: chosen[_spelled(word)][0] for word in words if len(chosen.get(_spelled(word), ())) == 1}


class AccountBook:
    """The accounts that these names and domains mean."""

    def __init__(self, names: Iterable[str], domains: Iterable[str]) -> None:
        wanted = {account_key(name) for name in names} - {""}
        domains = {domain for domain in domains if domain}
        self.by_domain = {row.domain: row for row in Account.objects.filter(domain__in=domains)} if domains else {}
        self.by_name: dict[str, list[Account]] = {}
        known = {row.pk: row for row in self.by_domain.values()}
        if wanted:
            # Names are compared without case and punctuation, which no index knows.
            keys = Account.objects.values_list("pk", "name").iterator(chunk_size=2000)
            ids = [pk for pk, name in keys if account_key(name) in wanted]
            for start in range(0, len(ids), 500):
                for row in Account.objects.filter(pk__in=ids[start : start + 500]).order_by("pk"):
                    self.by_name.setdefault(account_key(row.name), []).append(known.get(row.pk, row))

    def named(self, name: str) -> list[Account]:
        """All that bear the name: those spelled just so, else those that differ in case and punctuation."""
        alike = self.by_name.get(account_key(name), [])
        return [row for row in alike if row.name == name] or alike

    def add(self, row: Account) -> None:
        """Take a new one in."""
        self.by_name.setdefault(account_key(row.name), []).append(row)
        if row.domain:
            self.by_domain[row.domain] = row


def account_key(name: str) -> str:
    """A company's name without regard to case, accents, blanks and punctuation: "GTX Pro" and "GTXPro" are one."""
    text = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in text if sign.isalnum())


def _spelled(word: str) -> str:
    return " ".join(word.casefold().split())


def _turned(name: str) -> str:
    """ "King, Ada" as exports with the family name in front write it."""
    first, _, last = _spelled(name).rpartition(" ")
    return f"{last}, {first}" if first else ""
