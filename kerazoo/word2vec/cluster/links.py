"""Connections between the workers of a training: one TCP connection for each two of them.

Changes go directly from worker to worker. As objects of Ray, the parts of an exchange would be N^2 objects that the
main process owns, and each step of an exchange would wait for messages by way of that process.

Who connects must know a secret that the main process has given to all workers.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerazoo.errors import ClusterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Links"]

NONCE_BYTES = 16
REPLY = struct.Struct("!I32s")  # number of the worker, digest
HEADER = struct.Struct("!QQ")  # number of the message, bytes that follow
HANDSHAKE_SECONDS = 5.0  # a stranger that says nothing does not keep others waiting for longer
BUFFER = 1 << 22  # of the kernel, per connection and direction


class Links:
    """What connects one worker to all others.

    Args:
        secret: that all workers of the training know.
        host: address of this node, on which others reach it.
        timeout: seconds until all must have connected.

    Attributes:
        address: (host, port) on which this worker waits for others.
    """

    def __init__(self, secret: bytes, host: str, timeout: float) -> None:
        self._secret, self._timeout = secret, timeout
        self._listener = _listen(host)
        self.address: tuple[str, int] = (host, self._listener.getsockname()[1])
        self._peers: dict[int, socket.socket] = {}
        self._names: dict[int, str] = {}
        self._n_swaps = 0

    def connect(self, number: int, addresses: Sequence[tuple[str, int]]) -> None:
        """Connect to all others, which do the same at the same time.

        Args:
            number: of this worker.
            addresses: of all workers, by number.

        Raises:
            ClusterError: one cannot be reached.
        """
        deadline = time.monotonic() + self._timeout
        for peer, (host, port) in enumerate(addresses[:number]):
            try:
                self._peers[peer] = self._call(number, host, port, deadline)
            except OSError as error:
                raise ClusterError(
                    f"the worker on {self.address[0]} cannot reach the worker on {host}, port {port} ({error}). "
                    "Workers exchange changes over TCP, on ports that the system chooses: does a firewall block them?"
                ) from error
        try:
            while len(self._peers) < len(addresses) - 1:
                self._accept(deadline)
        except OSError as error:
            missing = sorted({host for peer, (host, _) in enumerate(addresses) if peer not in {number, *self._peers}})
            raise ClusterError(
                f"no connection to the worker on {self.address[0]} from those on {', '.join(missing)} within "
                f"{self._timeout:g} s ({error}). Workers exchange changes over TCP, on ports that the system chooses: "
                "does a firewall block them?"
            ) from error
        self._listener.close()
        self._names = {peer: f"{host}, port {port}" for peer, (host, port) in enumerate(addresses)}
        for connection in self._peers.values():
            connection.setblocking(False)

    def _call(self, number: int, host: str, port: int, deadline: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout=_left(deadline))
        _prepare(connection)
        nonce = _received(connection, NONCE_BYTES)
        connection.sendall(REPLY.pack(number, self._digest(nonce, number)))
        return connection

    def _accept(self, deadline: float) -> None:
        self._listener.settimeout(_left(deadline))
        connection, _ = self._listener.accept()
        connection.settimeout(min(_left(deadline), HANDSHAKE_SECONDS))
        try:
            nonce = secrets.token_bytes(NONCE_BYTES)
            connection.sendall(nonce)
            number, digest = REPLY.unpack(_received(connection, REPLY.size))
            if not hmac.compare_digest(digest, self._digest(nonce, number)):
                raise ConnectionError("a stranger")
        except OSError:  # not a worker of this training
            connection.close()
            return
        _prepare(connection)
        self._peers[number] = connection

    def _digest(self, nonce: bytes, number: int) -> bytes:
        return hmac.digest(self._secret, nonce + number.to_bytes(4, "big"), "sha256")

    def swap(
        self, outgoing: Mapping[int, Sequence[NDArray[Any]]], incoming: Mapping[int, Sequence[NDArray[Any]]]
    ) -> None:
        """Send arrays to other workers while arrays are received from them.

        All workers call it equally often. It waits for workers that are behind.

        Args:
            outgoing: worker -> contiguous arrays.
            incoming: worker -> contiguous arrays, which are filled.

        Raises:
            ClusterError: a worker is gone, or sends something else.
        """
        self._n_swaps += 1
        with selectors.DefaultSelector() as selector:
            transfers = {}
            for peer in {*outgoing, *incoming}:
                one = _Transfer(self._n_swaps, outgoing.get(peer, ()), incoming.get(peer, ()))
                transfers[peer] = one
                if events := one.events():
                    selector.register(self._peers[peer], events, peer)
            while selector.get_map():
                for key, ready in selector.select():
                    one = transfers[key.data]
                    try:
                        one.run(self._peers[key.data], ready)
                    except OSError as error:
                        raise ClusterError(
                            f"a worker or a node was lost: the connection to the worker on {self._names[key.data]}, "
                            f"ended ({error})."
                        ) from error
                    events = one.events()
                    if not events:
                        selector.unregister(key.fileobj)
                    elif events != key.events:
                        selector.modify(key.fileobj, events, key.data)

    def close(self) -> None:
        """End all connections."""
        for connection in (self._listener, *self._peers.values()):
            with contextlib.suppress(OSError):
                connection.close()


class _Transfer:
    """What is left to send to a worker, and to receive from it, in one swap."""

    def __init__(self, number: int, outgoing: Sequence[NDArray[Any]], incoming: Sequence[NDArray[Any]]) -> None:
        self._expected = HEADER.pack(number, sum(array.nbytes for array in incoming))
        self._header = bytearray(HEADER.size)
        sent = [memoryview(HEADER.pack(number, sum(array.nbytes for array in outgoing))), *_views(outgoing)]
        self._sent = sent if outgoing else []
        self._received = [memoryview(self._header), *_views(incoming)] if incoming else []

    def events(self) -> int:
        """What the connection is waited for."""
        return selectors.EVENT_WRITE * bool(self._sent) | selectors.EVENT_READ * bool(self._received)

    def run(self, connection: socket.socket, ready: int) -> None:
        """Send and receive what can be without waiting."""
        if ready & selectors.EVENT_WRITE and self._sent:
            with contextlib.suppress(BlockingIOError):
                _drop(self._sent, connection.sendmsg(self._sent[:64]))
        if ready & selectors.EVENT_READ and self._received:
            with contextlib.suppress(BlockingIOError):
                n_bytes = connection.recv_into(self._received[0])
                if not n_bytes:
                    raise ConnectionResetError("it was closed")
                _drop(self._received, n_bytes)
                self._check_header()

    def _check_header(self) -> None:
        is_read = not self._received or self._received[0].obj is not self._header
        if is_read and bytes(self._header) != self._expected:
            raise ClusterError("two workers exchange different rows: have they different versions?")


def _views(arrays: Sequence[NDArray[Any]]) -> Iterator[memoryview]:
    for array in arrays:
        if array.nbytes:
            yield memoryview(array).cast("B")  # type: ignore[arg-type]


def _drop(buffers: list[memoryview], n_bytes: int) -> None:
    """Remove the first bytes of a list of buffers."""
    while n_bytes:
        if n_bytes < len(buffers[0]):
            buffers[0] = buffers[0][n_bytes:]
            return
        n_bytes -= len(buffers.pop(0))


def _listen(host: str) -> socket.socket:
    try:
        return socket.create_server((host, 0), backlog=1024)
    except OSError:  # the address is that of a gateway: on all interfaces
        return socket.create_server(("", 0), backlog=1024)


def _prepare(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for direction in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        connection.setsockopt(socket.SOL_SOCKET, direction, BUFFER)


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _received(connection: socket.socket, n_bytes: int) -> bytes:
    found = bytearray()
    while len(found) < n_bytes:
        more = connection.recv(n_bytes - len(found))
        if not more:
            raise ConnectionError("the connection was closed")
        found += more
    return bytes(found)
