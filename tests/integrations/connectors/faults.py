"""Tiny real servers that misbehave: mocks cannot drip, reset or lose an answer."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

Behavior = Callable[[socket.socket, bytes], None]


def answering(status: int, body: bytes = b"{}", *headers: str, content_type: str = "application/json") -> Behavior:
    """Always this answer, with the connection kept open."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return lambda sock, request: sock.sendall(raw)


def dripping_body(sock: socket.socket, request: bytes) -> None:
    """A good head, then one byte each 50 ms, for ever: every read of the client succeeds in time."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
    _drip(sock, b" ")


def dripping_head(sock: socket.socket, request: bytes) -> None:
    """The head itself never ends."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(sock, b"a")


def _drip(sock: socket.socket, byte: bytes) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        sock.sendall(byte)
        time.sleep(0.05)


def silent(sock: socket.socket, request: bytes) -> None:
    """Reads the request and says nothing until the client leaves."""
    sock.settimeout(20)
    sock.recv(1)


def resetting(sock: socket.socket, request: bytes) -> None:
    """A TCP reset instead of an answer."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def half(sock: socket.socket, request: bytes) -> None:
    """Half of the promised body."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + b'{"results": [')
    sock.close()


def forward(port: int, request: bytes) -> bytes:
    """The whole answer of the real CRM on this port."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as crm:
        crm.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
        crm.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := crm.recv(65536):
            answer += chunk
    return answer


def losing_answer(port: int) -> Behavior:
    """The CRM does what it is asked to, but its answer never arrives."""

    def behave(sock: socket.socket, request: bytes) -> None:
        assert forward(port, request).startswith(b"HTTP/1.1 2")
        resetting(sock, request)

    return behave


def between(port: int, behavior: Behavior, is_struck: Callable[[str], bool]) -> Behavior:
    """Requests whose line ("POST /v1/people HTTP/1.1") is struck misbehave; the others reach the CRM on this port."""

    def behave(sock: socket.socket, request: bytes) -> None:
        if is_struck(line_of(request)):
            behavior(sock, request)
        else:
            sock.sendall(forward(port, request))
            sock.close()

    return behave


def line_of(request: bytes) -> str:
    """The request line."""
    return request.partition(b"\r\n")[0].decode("latin-1")


class FaultyServer:
    """One behavior on a port of its own; `requests` holds what came in, `port` where to go."""

    def __init__(self, behavior: Behavior, tls: ssl.SSLContext | None = None) -> None:
        self._behavior, self._tls = behavior, tls
        self.requests: list[bytes] = []
        self.is_struck: Callable[[str], bool] = lambda line: True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open[-1] = sock
            while request := _read_request(sock):
                self.requests.append(request)
                self._behavior(sock, request)

    @property
    def struck(self) -> list[bytes]:
        """The requests that it misbehaved to."""
        return [each for each in self.requests if self.is_struck(line_of(each))]

    def close(self) -> None:
        """Stop everything and wait for the threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(timeout=5)


def _read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := sock.recv(65536)):
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def faulty(behavior: Behavior, tls: ssl.SSLContext | None = None) -> Iterator[FaultyServer]:
    """A server for the length of a test."""
    server = FaultyServer(behavior, tls)
    try:
        yield server
    finally:
        server.close()
