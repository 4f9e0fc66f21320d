"""Keeps a light load generator: many connections, one thread, prepared bytes, so that it takes little from what it measures."""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a window of load saw: answers by status, latencies in seconds, the bodies of the successes, and how long it was."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    broken: int = 0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Give a percentile of the latencies in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class _Line:
    """One connection: its socket, what it is waiting for, since when."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> tuple[int, bytes] | None:
        """Read what is there; give status and body once the answer is whole. Raises ConnectionError when the peer is gone."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return (int(head[9:12]), body) if len(body) >= length else None


def run_load(port: int, make_request: Callable[[int], bytes], *, connections: int, seconds: float) -> Load:
    """Keep `connections` busy for a window; `make_request` gives the n-th request's bytes. Lost connections are counted."""
    load, count = Load(), 0
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    end = began + seconds

    def start(line: _Line) -> None:
        nonlocal count
        line.send(make_request(count))
        count += 1

    for _ in range(connections):
        line = _Line(port)
        selector.register(line.socket, selectors.EVENT_READ, line)
        start(line)
    busy = connections
    while busy:
        for key, _ in selector.select(timeout=30):
            line = key.data
            try:
                answer = line.answer()
            except ConnectionError:
                load.broken += 1
                selector.unregister(line.socket)
                line.socket.close()
                busy -= 1
                continue
            if answer is None:
                continue
            status, body = answer
            load.statuses[status] = load.statuses.get(status, 0) + 1
            load.latencies.append(time.perf_counter() - line.sent_at)
            if status < 300:
                load.bodies.append(body)
            if time.perf_counter() < end:
                start(line)
            else:
                selector.unregister(line.socket)
                line.socket.close()
                busy -= 1
    load.seconds = time.perf_counter() - began
    return load
