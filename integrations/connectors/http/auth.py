"""Ways to prove who we are to a CRM; none of them shows its secret in a repr or an error."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import requests
from requests.auth import AuthBase

from ..account import Token, TokenStore
from ..errors import AuthDead


class Bearer(AuthBase):
    """`Authorization: Bearer …`. The token is asked for at each call, so that a refreshed one is picked
    up."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token if callable(token) else lambda: token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header; requests would print a malformed token in its error, so it is checked here."""
        token = self._token()
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise AuthDead("The token is empty or holds characters that no token has.", code="token_malformed")
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    def __repr__(self) -> str:
        return "Bearer(…)"


class ApiKey(Bearer):
    """The token in a header of the vendor's own."""

    def __init__(self, header: str, token: str) -> None:
        super().__init__(token)
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        super().__call__(request)
        request.headers[self._header] = request.headers.pop("Authorization").removeprefix("Bearer ")
        return request

    def __repr__(self) -> str:
        return "ApiKey(…)"


class Anonymous(AuthBase):
    """No proof of who we are: a token address takes it in the form."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class Basic(AuthBase):
    """HTTP Basic from a client's id and secret, as some token addresses want it."""

    def __init__(self, user: str, password: str) -> None:
        self._both = base64.b64encode(f"{user}:{password}".encode()).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers["Authorization"] = f"Basic {self._both}"
        return request

    def __repr__(self) -> str:
        return "Basic(…)"


class Renewing(Bearer):
    """A bearer token kept in the account's store and fetched anew when it is over: by the clock a minute early, or
    once after the CRM refused it. `fetch(kept)` gets a token, through `CrmSession.fetch_token`."""

    def __init__(
        self,
        tokens: TokenStore,
        fetch: Callable[[Token | None], Token],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(lambda: self.current().access)
        self._tokens, self._fetch, self._now = tokens, fetch, now
        self._kept: Token | None = None

    def current(self) -> Token:
        """A token good for the next minute."""
        token = self._kept or self._tokens.read()
        if token is None or (token.expires_at and token.expires_at <= self._now() + timedelta(minutes=1)):
            token = self._tokens.renew(token, self._fetch)
        self._kept = token
        return token

    def replace_refused(self) -> None:
        """The CRM refused the current token: get another, or the one that somebody else got meanwhile."""
        self._kept = self._tokens.renew(self._kept, self._fetch)

    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return (self._kept.access, self._kept.refresh) if self._kept else ()

    def __repr__(self) -> str:
        return "Renewing(…)"
