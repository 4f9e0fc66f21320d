"""Keeps a WeChat of our own for tests: the shapes and errors of its sign-in endpoints over a real socket, with faults on demand."""

import base64
import json
import secrets
import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from app.core.clock import Clock

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(seconds=7200)
TOKEN_RENEWAL = timedelta(minutes=5)


class Fault(StrEnum):
    """What may go wrong with one request. The first five leave the login code unused, the rest use it up."""

    BUSY = "errcode -1"
    TOO_OFTEN = "errcode 45011"
    RISKY_USER = "errcode 40226"
    BAD_GATEWAY = "502 with an HTML page"
    REDIRECT = "302 to another address of the peer"
    HTML = "200 with an HTML page"
    CUT_BODY = "the connection ends in the middle of the body"
    ANSWER_LOST = "the connection ends before any answer"
    SILENCE = "no answer, the connection stays open"
    DRIP = "the body comes one byte at a time, for five seconds"


ERRCODES = {
    Fault.BUSY: (-1, "system error"),
    Fault.TOO_OFTEN: (45011, "api minute-quota reach limit  mustslower  retry next minute"),
    Fault.RISKY_USER: (40226, "code blocked"),
}
PAGE = b"<html><body><center><h1>502 Bad Gateway</h1></center></body></html>"


@dataclass(frozen=True)
class Call:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


@dataclass
class LoginCode:
    """A code of `wx.login` and what became of it."""

    openid: str
    unionid: str | None
    issued_at: datetime
    used: bool = False


@dataclass
class WechatPeer:
    """A fake WeChat on a free port of 127.0.0.1, as a context manager; `url` is the base URL to set."""

    appid: str
    secret: str
    clock: Clock
    errcode_in_success: bool = False
    calls: list[Call] = field(default_factory=list)
    session_keys: list[str] = field(default_factory=list)
    codes: dict[str, LoginCode] = field(default_factory=dict)
    token: tuple[str, datetime] | None = None

    def __post_init__(self) -> None:
        """Start to answer."""
        self._lock = threading.Lock()
        self._faults: deque[Fault | bytes] = deque()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.peer = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="wechat-peer")
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "WechatPeer":
        """Give the running peer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close every socket and wait for every thread."""
        self.close()

    def close(self) -> None:
        """Close every socket and wait for every thread; twice is once."""
        if not self.closing.is_set():
            self.closing.set()
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()

    def issue_code(self, openid: str, unionid: str | None = None) -> str:
        """Do as `wx.login` on the phone of `openid`: give a code that works once, for five minutes."""
        code = "0" + secrets.token_hex(15) + "w"
        with self._lock:
            self.codes[code] = LoginCode(openid, unionid, self.clock())
        return code

    def misbehave(self, fault: Fault | bytes, *, times: int = 1) -> None:
        """Spoil the next requests: by a fault, or by these bytes in place of a success's body."""
        self._faults.extend([fault] * times)

    def hear(self, call: Call) -> Fault | bytes | None:
        """Note a request and give what shall go wrong with it."""
        with self._lock:
            self.calls.append(call)
            return self._faults.popleft() if self._faults else None

    def sign_in(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer `GET /sns/jscode2session`."""
        if wrong := self._wrong_app(query, kind="authorization_code"):
            return wrong
        if not query.get("js_code"):
            return refusal(41008, "missing code")
        with self._lock:
            code = self.codes.get(query["js_code"])
            if code is None or self.clock() - code.issued_at > CODE_LIFE:
                return refusal(40029, "invalid code")
            if code.used:
                return refusal(40163, "code been used")
            code.used = True
            session_key = base64.b64encode(secrets.token_bytes(16)).decode()
            self.session_keys.append(session_key)
        answer: dict[str, Any] = {"session_key": session_key, "openid": code.openid}
        if code.unionid:
            answer["unionid"] = code.unionid
        return answer | ({"errcode": 0, "errmsg": "ok"} if self.errcode_in_success else {})

    def stable_token(self, body: bytes) -> dict[str, Any]:
        """Answer `POST /cgi-bin/stable_token`: the same token until its last five minutes, or a new one when forced."""
        try:
            asked = json.loads(body)
        except ValueError:
            return refusal(47001, "data format error")
        if wrong := self._wrong_app(asked, kind="client_credential"):
            return wrong
        with self._lock:
            now = self.clock()
            if self.token is None or asked.get("force_refresh") or self.token[1] - now <= TOKEN_RENEWAL:
                self.token = (secrets.token_urlsafe(96), now + TOKEN_LIFE)
            return {"access_token": self.token[0], "expires_in": int((self.token[1] - now).total_seconds())}

    def _wrong_app(self, asked: Mapping[str, str], *, kind: str) -> dict[str, Any] | None:
        for name, missing in (("appid", 41002), ("secret", 41004)):
            if not asked.get(name):
                return refusal(missing, f"{name} missing")
        if asked["appid"] != self.appid:
            return refusal(40013, "invalid appid")
        if asked["secret"] != self.secret:
            return refusal(40125, "invalid appsecret")
        return None if asked.get("grant_type") == kind else refusal(40002, "invalid grant_type")


def refusal(errcode: int, words: str) -> dict[str, Any]:
    """Give an error in WeChat's shape, with a request id at the end of its words."""
    return {"errcode": errcode, "errmsg": f"{words}, rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"}


class _Server(ThreadingHTTPServer):
    peer: WechatPeer
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connections: set[socket.socket] = set()

    def hang_up(self) -> None:
        """End what clients still hold open."""
        for connection in list(self.connections):
            _end(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.peer = cast(_Server, self.server).peer
        cast(_Server, self.server).connections.add(self.connection)

    def finish(self) -> None:
        cast(_Server, self.server).connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        place = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = Call(self.command, place.path, dict(parse_qsl(place.query)), body)
        fault = self.peer.hear(call)
        if fault in ERRCODES:
            self._answer(json.dumps(refusal(*ERRCODES[fault])).encode())
        elif fault is Fault.BAD_GATEWAY:
            self._answer(PAGE, status=502, kind="text/html")
        elif fault is Fault.REDIRECT:
            self._answer(PAGE, status=302, kind="text/html", location=f"{self.peer.url}/elsewhere?{place.query}")
        else:
            self._answer_or_fail(call, fault)

    def _answer_or_fail(self, call: Call, fault: Fault | bytes | None) -> None:
        match call.method, call.path:
            case "GET", "/sns/jscode2session":
                kind, said = "text/plain", self.peer.sign_in(call.query)
            case "POST", "/cgi-bin/stable_token":
                kind, said = "application/json; encoding=utf-8", self.peer.stable_token(call.body)
            case _, "/cgi-bin/stable_token":
                kind, said = "application/json; encoding=utf-8", refusal(43002, "require POST method")
            case _:
                self._answer(PAGE, status=404, kind="text/html")
                return
        whole = json.dumps(said, ensure_ascii=False).encode()
        match fault:
            case bytes():
                self._answer(fault, kind=kind)
            case Fault.HTML:
                self._answer(PAGE, kind="text/html")
            case Fault.CUT_BODY:
                self._answer(whole[: len(whole) // 2], kind=kind, length=len(whole))
                self._hang_up()
            case Fault.ANSWER_LOST:
                self._hang_up()
            case Fault.SILENCE:
                self.peer.closing.wait(30)
                self._hang_up()
            case Fault.DRIP:
                self._drip(kind)
            case _:
                self._answer(whole, kind=kind)

    def _answer(
        self, body: bytes, *, status: int = 200, kind: str = "text/plain", length: int | None = None, location: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, kind: str) -> None:
        self._answer(b"{", kind=kind, length=60_000)
        # The client gives up at some moment, as it should.
        with suppress(OSError):
            for _ in range(100):
                self.peer.closing.wait(0.05)
                self.wfile.write(b" ")
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        _end(self.connection)

    def log_message(self, *args: Any) -> None:
        """Say nothing: tests read `calls`."""


def _end(connection: socket.socket) -> None:
    """End a connection that the other side may have ended before."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
