"""Phones: the reference client of offline sync, on a line that loses requests and answers, cuts, repeats and reorders."""

import json
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.pocket import Pocket


class Lost(Exception):
    """Nothing came back: the phone cannot know whether the server has it."""


@dataclass
class Line:
    """A line to the server: of its requests a share never leaves, a share is cut in mid-body, of the answers a share is lost."""

    port: int
    rng: Random
    lost_before: float = 0.0
    cut: float = 0.0
    lost_after: float = 0.0
    fates: dict[str, int] = field(default_factory=dict)

    def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """Ask and give status and answer; raises Lost."""
        fate = self._fate()
        self.fates[fate] = self.fates.get(fate, 0) + 1
        if fate == "lost before":
            raise Lost
        sent = b"" if body is None else json.dumps(body).encode()
        head = f"{method} /grid/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        whole = head.encode() + sent
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            if fate == "cut":
                line.sendall(whole[: len(head) + self.rng.randrange(len(sent))] if sent else whole[: len(whole) // 2])
                raise Lost
            line.sendall(whole)
            if fate == "lost after":
                raise Lost
            answer = b""
            while chunk := line.recv(65536):
                answer += chunk
        top, _, told = answer.partition(b"\r\n\r\n")
        if not top:
            raise Lost
        return int(top[9:12]), json.loads(told) if told else None

    def _fate(self) -> str:
        roll = self.rng.random()
        for name, share in (("lost before", self.lost_before), ("cut", self.cut), ("lost after", self.lost_after)):
            if roll < share:
                return name
            roll -= share
        return "whole"


@dataclass
class Phone:
    """A worker's phone: what it keeps of its grids, what waits to be sent, and what was acknowledged; its clock may be off."""

    line: Line
    token: str
    rng: Random
    off: timedelta = timedelta(0)
    pocket: Pocket = field(default_factory=Pocket)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock_off: int | None = None
    batch: int = 25
    repeats: float = 0.0
    shuffles: bool = False

    def write_down(self, items: list[dict[str, Any]]) -> None:
        """Keep items until they are acknowledged."""
        self.waiting |= {item["key"]: item for item in items}

    def send(self) -> None:
        """Send a batch of what waits, some of what was acknowledged again, in any order; raises Lost."""
        chosen = list(self.waiting.values())
        if self.shuffles:
            self.rng.shuffle(chosen)
        chosen = chosen[: self.batch]
        known = [each["item"] for each in self.acknowledged.values()]
        chosen += [each for each in known if self.rng.random() < self.repeats][:5]
        body = {"phone_at": (datetime.now(UTC) + self.off).isoformat(), "items": chosen}
        status, told = self.line.ask("POST", "/sync", self.token, body)
        if status != 200:
            assert status in (400, 503), (status, told)
            raise Lost
        self.clock_off = told["clock_off_seconds"]
        for item, answer in zip(chosen, told["items"], strict=True):
            assert answer["key"] == item["key"]
            if answer["outcome"] in ("created", "replayed"):
                before = self.acknowledged.get(item["key"])
                assert before is None or before["result"] == answer["result"], (before, answer)
                self.acknowledged[item["key"]] = {"item": item, "result": answer["result"]}
                self.waiting.pop(item["key"], None)
            else:
                assert answer["again"], answer

    def catch_up(self, limit: int) -> bool:
        """Take a page of what changed; give whether there is more. Raises Lost; the page is then asked for again."""
        query = urlencode(self.pocket.query(limit))
        status, page = self.line.ask("GET", f"/sync?{query}", self.token)
        if status != 200:
            assert status == 503, (status, page)
            raise Lost
        self.pocket.take(page)
        return bool(page["more"])

    def work(self, *, tries: int = 10_000) -> None:
        """Send and catch up in turns until nothing waits, then catch up to the end."""
        more = True
        for _ in range(tries):
            if not self.waiting and not more:
                return
            try:
                if self.waiting and self.rng.random() < 0.7:
                    self.send()
                    more = True
                else:
                    more = self.catch_up(self.rng.choice((5, 50, 200)))
            except Lost:
                continue
        raise AssertionError(f"{len(self.waiting)} items still wait")
