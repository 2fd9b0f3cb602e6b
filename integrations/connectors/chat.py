"""Post a message to Slack or Microsoft Teams by an incoming webhook.

Slack takes ``{"text": …}`` and answers 200; Teams' webhooks are flows of Power Automate that take a message with an
Adaptive Card and answer 202. The address is the secret: no error names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.connectors.errors import CrmError
from integrations.connectors.http import CrmSession, Hosts, Limits
from integrations.connectors.http.answers import retry_after
from integrations.connectors.http.auth import Anonymous

SUFFIXES = {
    "slack": ("hooks.slack.com", "hooks.slack-gov.com"),
    "teams": ("logic.azure.com", "api.powerplatform.com", "webhook.office.com"),
}
LIMITS = Limits(connect=5, read=10, total=20, body=64 * 1024)
# What no repetition changes: a malformed message, and a webhook that was removed, forbidden or archived.
FINAL = {400, 401, 403, 404, 405, 410}


class PostFailed(Exception):
    """The message was not taken. ``is_final``: it never will be; ``after``: how long they want us to wait."""

    def __init__(self, why: str, *, is_final: bool = False, after: timedelta | None = None) -> None:
        super().__init__(why)
        self.is_final, self.after = is_final, after


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A title, a sentence, and where more is said; ``label`` names the kind."""

    label: str
    title: str
    text: str
    url: str


def check_address(*, kind: str, url: str, allow_loopback: bool) -> None:
    """Raise Misuse unless this is an address of Slack or Teams."""
    _hosts(kind, allow_loopback).check(url)


def post_message(*, kind: str, url: str, message: ChatMessage, allow_loopback: bool) -> None:
    """Post once. Raises PostFailed."""
    body = _slack(message) if kind == "slack" else _teams(message)
    failed: PostFailed | None = None
    try:
        session = CrmSession(url, auth=Anonymous(), hosts=_hosts(kind, allow_loopback), limits=LIMITS)
        with session:
            answer = session.request("POST", url, json=body)
    except CrmError as error:
        # Its text holds the path, which is the secret here.
        failed = PostFailed(f"No answer ({error.code}).", is_final=error.permanent, after=error.after)
    if failed is not None:
        raise failed
    if answer.status_code >= 300:
        raise PostFailed(
            f"{kind.title()} answered {answer.status_code}.",
            is_final=answer.status_code in FINAL or answer.status_code < 400,
            after=retry_after(answer.headers, lambda: datetime.now(UTC)),
        )


def _hosts(kind: str, allow_loopback: bool) -> Hosts:
    return Hosts(suffixes=SUFFIXES[kind], allow_loopback=allow_loopback)


def _slack(message: ChatMessage) -> dict[str, Any]:
    link = f"<{message.url}|{_escaped(message.title)}>"
    more = f"\n{_escaped(message.text)}" if message.text else ""
    return {"text": f"*{_escaped(message.label)}*: {link}{more}"}


def _escaped(text: str) -> str:
    """The three characters with a meaning in Slack's messages; a name must not mention a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦")


def _teams(message: ChatMessage) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": message.label, "isSubtle": True, "size": "Small"},
        {"type": "TextBlock", "text": _plain(message.title), "weight": "Bolder", "wrap": True},
    ]
    if message.text:
        blocks.append({"type": "TextBlock", "text": _plain(message.text), "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in the portal", "url": message.url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _plain(text: str) -> str:
    """Without the Markdown that cards read: links and emphasis a stranger's name could bring."""
    return "".join(f"\\{sign}" if sign in "\\[]*_`" else sign for sign in text)
