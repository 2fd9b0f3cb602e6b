"""Signing in by OAuth: a person allows our app in the CRM, which sends them back with a code for tokens.

Three vendors, one road (RFC 6749, authorization code): each says its addresses and scopes in a `Flow`. Nothing here
talks to anybody but the token address, through the guarded session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from .account import Account, Flow, Token
from .errors import Outage
from .http import LOOPBACK, Basic, CrmSession, Hosts


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: `state` comes back with the person and `verifier` goes with the code; both for one use."""

    url: str
    state: str
    verifier: str


def address_of(flow: Flow, account: Account, *, is_token: bool) -> str:
    """The authorize or the token address of this account."""
    path = flow.token if is_token else flow.authorize
    if account.allow_loopback and urlsplit(account.base_url).hostname in LOOPBACK:
        path = flow.sandbox[1 if is_token else 0]
    return path if path.startswith("https://") else account.base_url.rstrip("/") + path


def ask(flow: Flow, account: Account, *, redirect_uri: str) -> Asked:
    """The address to send a person to. Raises `Misuse` for one that is not the vendor's."""
    address = address_of(flow, account, is_token=False)
    Hosts(flow.hosts, account.allow_loopback).check(address)
    state, verifier = generate_token(48), generate_token(64) if flow.proves_code else ""
    further = {"state": state}
    if verifier:
        further |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    client = str(account.settings.get("client_id") or account.secrets.get("client_id") or "")
    url = prepare_grant_uri(address, client, "code", redirect_uri=redirect_uri, scope=flow.scope or None, **further)
    return Asked(str(url), state, verifier)


def redeem(
    flow: Flow,
    account: Account,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Token:
    """Tokens for a code, one call. Raises `AuthDead` where the vendor refuses it, `Outage` where it cannot be read."""
    client = str(account.settings.get("client_id") or account.secrets.get("client_id") or "")
    secret = account.secrets.get("client_secret", "")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if not flow.secret_in_header:
        form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
    if verifier:
        form["code_verifier"] = verifier
    session = CrmSession(
        account.base_url,
        auth=None,
        hosts=Hosts(flow.hosts, account.allow_loopback),
        secrets=(secret, code, verifier),
    )
    try:
        header = Basic(client, secret) if flow.secret_in_header else None
        answer = session.fetch_token(address_of(flow, account, is_token=True), form, header)
    finally:
        session.close()
    return _token(answer.payload, now())


def _token(given: Any, at: datetime) -> Token:
    told: Mapping[str, Any] = given if isinstance(given, dict) else {}
    access, refresh = told.get("access_token"), told.get("refresh_token")
    if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
        raise Outage("The token address gave no refresh token. Does the app ask for one?", code="unreadable")
    seconds = str(told.get("expires_in") or "")
    lasts = timedelta(seconds=int(seconds)) if seconds.isdigit() else None
    base_url = str(told.get("instance_url") or told.get("api_domain") or "")
    return Token(access, at + lasts if lasts else None, base_url, refresh)
