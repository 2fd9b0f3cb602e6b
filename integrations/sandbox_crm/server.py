"""The socket side: keep-alive, limits, the access log, and one place where every error becomes an answer."""

import hmac
import logging
import math
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs

from . import api, control, ui
from .dialects import Dialect, dialects, pages
from .messages import Answer, Request, error_answer, json_answer
from .meters import Bucket, Calls
from .rules import Refused
from .store import Store

LARGEST_BODY = 5 * 1024 * 1024
access_log = logging.getLogger("sandbox_crm.access")
error_log = logging.getLogger("sandbox_crm.errors")


class SandboxServer(ThreadingHTTPServer):
    """The sandbox CRM on one address. `port=0` takes a free one; see `server_address`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], store: Store, token: str, *, rate: float = 200.0) -> None:
        self.store, self.token = store, token
        self.bucket, self.calls = Bucket(rate), Calls()
        self._dialects: dict[str, Dialect] = {}
        self._opening = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of http.server, which can take seconds."""
        TCPServer.server_bind(self)  # reuses an address that lingers after a restart
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def server_close(self) -> None:
        """Close the socket and the dialects' files."""
        super().server_close()
        for each in self._dialects.values():
            each.close()

    def dialect(self, kind: str) -> Dialect:
        """The dialect of a vendor, its file beside the store's; opened when first asked for. `KeyError` if unknown."""
        with self._opening:
            if kind not in self._dialects:
                path = self.store.path.with_suffix(f".{kind}{self.store.path.suffix}")
                self._dialects[kind] = dialects()[kind](path, self.token)
            return self._dialects[kind]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours; anything else goes to the error log, not to the
        caller."""
        error_log.debug("connection ended", exc_info=True)

    def answer(self, request: Request) -> Answer:
        """Any request to its answer; no exception leaves this method."""
        try:
            if request.path == "/health" and request.method == "GET":
                return json_answer({"status": "ok"})
            if request.path == "/hooks" and request.method == "POST":
                # A receiver of webhooks, so that the demo has one without another host.
                return json_answer({"received": request.headers.get("webhook-id", "")})
            if request.path.startswith("/v1/"):
                return self._api(request)
            if request.path in control.PATHS:
                if not self._is_let_in(request):
                    raise Refused("unauthorized", "The bearer token is missing or wrong.", status=401)
                return control.answer(self, request)
            for kind, each in dialects().items():
                if request.path.startswith(f"{each.prefix}/"):
                    inner = replace(request, path=request.path.removeprefix(each.prefix))
                    dialect = self.dialect(kind)
                    return (
                        pages.answer(dialect, self.token, inner) if pages.is_page(inner.path) else dialect.answer(inner)
                    )
            return ui.answer(self.store, self.token, request)
        except Refused as refused:
            fault = refused.fault
            return error_answer(refused.status, fault.code, fault.message, fault.field)
        except Exception:
            error_log.exception("%s %s failed", request.method, request.path)
            return error_answer(500, "internal", "Something failed here; it is in the server's log.")

    def _is_let_in(self, request: Request) -> bool:
        # Bytes, because compare_digest refuses text beyond ASCII and headers arrive as Latin-1.
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        return hmac.compare_digest(given, b"Bearer " + self.token.encode())

    def _api(self, request: Request) -> Answer:
        if not self._is_let_in(request):
            return error_answer(401, "unauthorized", "The bearer token is missing or wrong.", WWW_Authenticate="Bearer")
        if request.path == "/v1/stats" and request.method == "GET":
            return json_answer({"calls": self.calls.shown(), "rows": self.store.counts()})
        if wait := self.bucket.wait():
            self.calls.add("throttled", 429)
            return error_answer(429, "rate_limit", "Too many calls.", Retry_After=str(math.ceil(wait)))
        handler, values, name = api.route(request.method, request.path)
        try:
            answer = handler(self.store, request, **values)
        except Refused as refused:
            self.calls.add(name, refused.status)
            raise
        self.calls.add(name, answer.status)
        return answer


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and hands each to the server's `answer`."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "SandboxCRM/1", ""
    timeout = 60
    disable_nagle_algorithm = True
    server: SandboxServer
    _is_unread = False

    def _serve(self) -> None:
        started = time.perf_counter()
        answer = self._read_and_answer()
        spent = (time.perf_counter() - started) * 1000
        # Before the answer leaves, so that whoever has it finds the line. Without the query: it may hold a token.
        path = self.path.partition("?")[0][:200]
        access_log.info("%s %a %d %d B %.1f ms", self.command, path, answer.status, len(answer.body), spent)
        if answer.trouble:
            self._betray(answer)
            return
        self._send(answer)
        if self._is_unread:
            self._linger()

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = do_OPTIONS = _serve

    def _read_and_answer(self) -> Answer:
        if "transfer-encoding" in self.headers:
            self.close_connection = self._is_unread = True
            return error_answer(411, "length_required", "Send a Content-Length.")
        length = self.headers.get("content-length", "0").strip()
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            self.close_connection = self._is_unread = True
            return error_answer(400, "invalid_length", "Content-Length is not a number.")
        if int(length) > LARGEST_BODY:
            self.close_connection = self._is_unread = True
            return error_answer(413, "too_large", f"At most {LARGEST_BODY} bytes.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return error_answer(400, "incomplete", "The body ended early.")
        path, _, text = self.path.partition("?")  # urlsplit would raise on some targets
        try:
            query = parse_qs(text, keep_blank_values=True, max_num_fields=200, errors="strict")
        except ValueError:
            return error_answer(400, "invalid_query", "The query cannot be read.")
        headers = {name.lower(): value for name, value in self.headers.items()}
        method = "GET" if self.command == "HEAD" else self.command
        return self.server.answer(Request(method, path, query, headers, body))

    def _linger(self) -> None:
        """Read on for a while after refusing a body: closing at once would reset the connection and lose the answer."""
        left = 8 * LARGEST_BODY
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(2)
            while left > 0 and (chunk := self.connection.recv(65536)):
                left -= len(chunk)

    def _betray(self, answer: Answer) -> None:
        """What a scenario does to an answer on the wire; the connection ends with it."""
        self.close_connection = True
        if answer.trouble == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if answer.trouble == "timeout":
            with suppress(OSError):
                self.connection.settimeout(answer.seconds)
                self.connection.recv(1)  # until the caller leaves
            return
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        head += f"Content-Length: {len(answer.body)}\r\n\r\n"
        with suppress(OSError):
            if answer.trouble == "half":
                self.connection.sendall(head.encode() + answer.body[: len(answer.body) // 2])
                return
            self.connection.sendall(head.encode())
            until = time.monotonic() + answer.seconds
            for byte in answer.body:
                if time.monotonic() > until:
                    return
                self.connection.sendall(bytes([byte]))
                time.sleep(0.05)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Server", self.version_string())
        if "Date" not in answer.headers:
            self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        body = b"" if self.command == "HEAD" else answer.body
        # One write for head and body; two small ones meet delayed acknowledgement (40 ms each).
        self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]
        self.flush_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Malformed requests (bad request line, too many headers) get the same JSON shape as the rest."""
        self.close_connection = True
        self.request_version = self.protocol_version  # else http.server takes the caller for HTTP/0.9
        self._send(error_answer(int(code), "bad_request", message or "The request cannot be read."))
        access_log.info("unreadable request %d", code)

    def log_message(self, format: str, *args: Any) -> None:
        """http.server's own log is replaced by the access log."""
