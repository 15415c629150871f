"""Connections between workers, here threads of one process."""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from kerazoo.errors import ClusterError
from kerazoo.word2vec.cluster.links import Links

SECRET = b"s" * 32


@contextlib.contextmanager
def connected(n_workers, timeout=20.0):
    links = [Links(SECRET, "127.0.0.1", timeout) for _ in range(n_workers)]
    try:
        addresses = [link.address for link in links]
        together(lambda number: links[number].connect(number, addresses), n_workers)
        yield links
    finally:
        for link in links:
            link.close()


def together(function, n_workers):
    with ThreadPoolExecutor(n_workers) as pool:
        return list(pool.map(function, range(n_workers)))


@pytest.mark.parametrize("n_workers", [2, 5])
def test_everyone_gets_what_everyone_sends(n_workers):
    """Messages of different lengths, larger than the buffers of the system, empty ones, and none to some."""

    def message(sender, receiver, turn):
        length = [0, 7, 3_000_001][(sender + 2 * receiver + turn) % 3]
        return np.arange(length, dtype=np.uint16) + np.uint16(sender * 17 + receiver)

    def run(me):
        for turn in range(4):
            others = [number for number in range(n_workers) if number != me]
            outgoing = {n: [message(me, n, turn), np.float32([me, turn])] for n in others if (n + turn) % 3}
            wanted = {n: [message(n, me, turn), np.float32([n, turn])] for n in others if (me + turn) % 3}
            incoming = {n: [np.empty_like(array) for array in arrays] for n, arrays in wanted.items()}
            links[me].swap(outgoing, incoming)
            for number, arrays in wanted.items():
                for array, expected in zip(incoming[number], arrays, strict=True):
                    assert_array_equal(array, expected)

    with connected(n_workers) as links:
        together(run, n_workers)


def test_strangers_are_left_out():
    links = [Links(SECRET, "127.0.0.1", 20.0) for _ in range(2)]
    addresses = [link.address for link in links]
    thread = threading.Thread(target=links[0].connect, args=(0, addresses))
    thread.start()
    with socket.create_connection(addresses[0]) as silent, socket.create_connection(addresses[0]) as stranger:
        silent.shutdown(socket.SHUT_WR)
        stranger.sendall(b"\0" * 36)  # worker 0, a digest of zeros
        while stranger.recv(64):  # the nonce, and then the end
            pass
        links[1].connect(1, addresses)
    thread.join()
    outgoing, incoming = [np.arange(3.0)], [np.empty(3)]
    together(lambda n: links[n].swap({0: outgoing} if n else {}, {} if n else {1: incoming}), 2)
    assert_array_equal(incoming[0], np.arange(3.0))
    for link in links:
        link.close()


def test_a_worker_that_does_not_come():
    link = Links(SECRET, "127.0.0.1", 0.3)
    with pytest.raises(ClusterError, match=r"no connection to the worker on .* from those on 10\.9\.8\.7 within"):
        link.connect(0, [link.address, ("10.9.8.7", 5)])
    link.close()


def test_a_worker_that_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = server.getsockname()
    link = Links(SECRET, "127.0.0.1", 5.0)
    with pytest.raises(ClusterError, match=r"cannot reach the worker on 127\.0\.0\.1, port .* firewall"):
        link.connect(1, [gone, link.address])
    link.close()


@pytest.mark.parametrize("waits_for", ["what it sends", "what it takes"])
def test_a_worker_that_is_lost(waits_for):
    big = np.zeros(1 << 25, np.uint8)  # more than all buffers
    with connected(2) as links:
        links[1].close()
        with pytest.raises(ClusterError, match=r"a worker or a node was lost: the connection to .* on 127\.0\.0\.1"):
            links[0].swap(*(({}, {1: [big]}) if waits_for == "what it sends" else ({1: [big]}, {})))


def test_workers_that_exchange_different_rows():
    with connected(2) as links:
        links[1].swap({0: [np.zeros(5, np.float32)]}, {})
        with pytest.raises(ClusterError, match="two workers exchange different rows"):
            links[0].swap({}, {1: [np.zeros(6, np.float32)]})


def test_an_address_that_is_not_of_this_machine():
    link = Links(SECRET, "198.51.100.7", 1.0)  # for documentation only: no machine has it
    assert link.address[0] == "198.51.100.7"
    socket.create_connection(("127.0.0.1", link.address[1])).close()
    link.close()
