"""A receiver of webhooks: answers in order (the last one stays), and what was posted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Checks nothing by itself; `verified` does what a receiver should."""

    def __init__(self, answers: Sequence[tuple[int, dict[str, str]]]) -> None:
        self.answers = list(answers)
        self.posted: list[tuple[dict[str, str], str]] = []
        self.on_post: Callable[[], None] = lambda: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.posted.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.on_post()
                status, headers = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.posted]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.posted]

    def verified(self, secret: str) -> list[bool]:
        """Whether each post is signed with the secret, computed as the specification says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        found = []
        for headers, body in self.posted:
            content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
            right = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
            signed = [each.removeprefix("v1,") for each in headers["webhook-signature"].split(" ")]
            found.append(right in signed)
        return found


@contextmanager
def receiving(*answers: tuple[int, dict[str, str]]) -> Iterator[Receiver]:
    """A receiver on this machine."""
    made = Receiver(answers or [(200, {})])
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
