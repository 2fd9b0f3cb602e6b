"""The deadline of a whole exchange: sockets are watched while a call lasts and cut when its time is over."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter

_active = threading.local()


class Deadline:
    """Cuts every socket it watches when its time is over. A cut wakes a blocked read, whatever it was waiting for.

    It also knows whether any byte of the request left: before that, a failure is clearly not a write. ``check_peer`` is
    shown the network address that a connection reached, before anything is sent there: it raises where that is wrong.
    """

    def __init__(self, check_peer: Callable[[str], None] | None = None) -> None:
        self.is_over = False
        self.has_sent = False
        self.check_peer = check_peer
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket) -> None:
        """Hold a duplicate: the original is replaced by TLS and may be closed before the body is read."""
        twin = socket.fromfd(sock.fileno(), sock.family, sock.type)
        with self._lock:
            self._sockets.append(twin)
            if self.is_over:
                _cut(twin)

    def expire(self) -> None:
        """Called by the timer's thread."""
        with self._lock:
            self.is_over = True
            for sock in self._sockets:
                _cut(sock)

    def release(self) -> None:
        """Close the duplicates."""
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def within(seconds: float, check_peer: Callable[[str], None] | None = None) -> Iterator[Deadline]:
    """Everything that this thread sends and reads inside has so long together."""
    deadline = Deadline(check_peer)
    timer = threading.Timer(seconds, deadline.expire)
    timer.daemon = True
    timer.start()
    _active.deadline = deadline
    try:
        yield deadline
    finally:
        timer.cancel()
        _active.deadline = None
        deadline.release()


class _Watched(urllib3.connection.HTTPConnection):
    """Shows its socket to the deadline of the current call: a new one while connecting, a kept one when
    reused."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _watch(sock)
        deadline: Deadline | None = getattr(_active, "deadline", None)
        if deadline is not None and deadline.check_peer is not None:
            try:
                deadline.check_peer(str(sock.getpeername()[0]))
            except BaseException:
                sock.close()
                raise
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request on this connection."""
        if self.sock is not None:
            _watch(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send bytes, connecting first where need be, as http.client does; from here on the outcome may be unclear."""
        if self.sock is None:
            self.connect()
        deadline: Deadline | None = getattr(_active, "deadline", None)
        if deadline is not None:
            deadline.has_sent = True
        super().send(data)


class _WatchedTls(_Watched, urllib3.connection.HTTPSConnection):
    """The same over TLS; the duplicate taken before the handshake stays valid for it."""


def _watch(sock: Any) -> None:
    deadline: Deadline | None = getattr(_active, "deadline", None)
    if deadline is not None:
        deadline.watch(sock)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class GuardedAdapter(HTTPAdapter):
    """An adapter of requests whose connections show their sockets to the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
