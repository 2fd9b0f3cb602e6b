"""What an org counts money in."""

from ..base import Misuse, ScopeMissing
from .session import DATA, Rows, SalesforceSession, Select
from .shape import Reading

# The object itself is missing in orgs of one currency.
CORPORATE = Select("SELECT IsoCode FROM CurrencyType WHERE IsCorporate = true", may_fail=True)


class Currency:
    """Asked for once a session, or learned from an answer that brought `CORPORATE` along."""

    def __init__(self, session: SalesforceSession) -> None:
        self._session = session
        self._corporate: str | None = None  # empty where nothing tells
        self._has_several = False

    @property
    def default(self) -> str:
        """Of records that name none: the corporate one, or the only one of the org. Empty where nothing tells."""
        return self._corporate or ""

    def learn(self, currencies: Rows) -> None:
        """Take the answer to `CORPORATE`. At most one further call."""
        self._has_several = not currencies.failed
        if currencies.rows:
            self._corporate = str(currencies.rows[0]["IsoCode"])
        elif self._corporate is None:
            self._corporate = self._only()

    def is_multi(self) -> bool:
        """Whether records name a currency of their own. At most two calls, the first time."""
        if self._corporate is None:
            (currencies,), _ = self._session.first_pages([CORPORATE])
            with Reading("/query"):
                self.learn(currencies)
        return self._has_several

    def _only(self) -> str:
        """Of an org of one currency; empty where our user may not know."""
        try:
            payload = self._session.call("GET", f"{DATA}/connect/organization").payload
        except (ScopeMissing, Misuse):
            return ""
        with Reading("/connect/organization"):
            return str(payload["features"].get("defaultCurrencyIsoCode") or "")
