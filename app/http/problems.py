"""Keeps how refusals and faults are told: RFC 9457 `application/problem+json`, Chinese words, stable English codes."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from app.core.errors import Invalid, Refusal

log = logging.getLogger("minhu.http")

TITLES = {
    400: "请求格式不正确",
    401: "请先登录",
    404: "没有找到",
    405: "不支持这种请求方法",
    409: "与当前状态冲突",
    413: "上传的内容太大",
    415: "请使用 JSON 格式",
    422: "填写的内容有误",
    429: "操作太频繁，请稍后再试",
    500: "系统出错了，请稍后再试",
    503: "系统正在恢复，请稍后再试",
}

_WORDS = (
    ("Missing data for required field", "必填"),
    ("Field may not be null", "不能为空"),
    ("Not a valid", "格式不正确"),
    ("Invalid input type", "格式不正确"),
    ("Unknown field", "没有这个字段"),
    ("Must be one of", "不是可选的值"),
    ("Invalid value", "不是可选的值"),
    ("Longer than maximum", "太长"),
    ("Shorter than minimum", "太短"),
    ("Length must be", "长度不符合要求"),
    ("Must be", "超出允许的范围"),
)


def problem(
    status: int, *, code: str, title: str, detail: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Give a problem response; empty members are left out."""
    from flask import json

    body = {
        "type": f"urn:minhu:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "request_id": g.get("request_id", ""),
    }
    body |= {name: value for name, value in {"detail": detail, **more}.items() if value}
    return Response(json.dumps(body, ensure_ascii=False), status, headers, content_type="application/problem+json; charset=utf-8")


def of_refusal(refusal: Refusal) -> Response:
    """Give the problem of a refusal."""
    headers = {"Retry-After": str(wait)} if (wait := getattr(refusal, "retry_after", None)) else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    errors = refusal.errors if isinstance(refusal, Invalid) else {}
    facts = {"facts": refusal.facts} if refusal.facts else {}
    return problem(
        refusal.status, code=refusal.code(), title=refusal.title(), detail=refusal.detail, headers=headers, errors=errors, **facts
    )


def of_http(error: HTTPException) -> Response:
    """Give the problem of an HTTP exception: routing, parsing and schema errors."""
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    messages = getattr(error, "data", {}).get("messages") if hasattr(error, "data") else None
    errors = field_errors(messages) if isinstance(messages, dict) else {}
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    name = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    code = "validation_failed" if errors else name
    return problem(
        status, code=code, title=TITLES.get(status, TITLES[400] if status < 500 else TITLES[500]), headers=headers, errors=errors
    )


def field_errors(messages: dict[Any, Any]) -> dict[str, list[str]]:
    """Give a schema's messages by the path of their fields, in Chinese."""
    return _flatten(messages)


def _flatten(messages: dict[Any, Any], prefix: str = "") -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, value in messages.items():
        place = name in ("json", "query", "headers", "form", "files") and not prefix
        path = prefix if place else f"{prefix}.{name}".lstrip(".")
        if isinstance(value, dict):
            flat |= _flatten(value, path)
        else:
            flat[path or "body"] = [_chinese(str(message)) for message in (value if isinstance(value, list) else [value])]
    return flat


def _chinese(message: str) -> str:
    return next((words for start, words in _WORDS if message.startswith(start)), message)


def of_integrity(error: IntegrityError) -> Response:
    """Give the problem of a broken constraint that no command had foreseen: a conflict, never the constraint's text."""
    log.warning("integrity: %s", getattr(getattr(error.orig, "diag", None), "constraint_name", None))
    return problem(409, code="conflict", title=TITLES[409], detail="数据刚刚被别人修改，请刷新后再试")


def of_database(error: OperationalError | InterfaceError) -> Response:
    """Give the problem of a database that is away, too slow or locked: try again."""
    log.error("database: %s", type(error.orig).__name__)
    return problem(503, code="database_unavailable", title=TITLES[503], headers={"Retry-After": "1"})


def of_data(error: DataError) -> Response:
    """Give the problem of a value that the database cannot hold (too large a number, a zero byte)."""
    log.info("data: %s", type(error.orig).__name__)
    return problem(422, code="validation_failed", title=TITLES[422])


def of_text(error: UnicodeEncodeError) -> Response:
    """Give the problem of a text that holds half a character (a lone surrogate), which no encoding can hold."""
    return problem(422, code="validation_failed", title=TITLES[422], detail="内容里有不完整的字符，请重新输入")


def of_bug(error: Exception) -> Response:
    """Give the problem of an error of ours: logged by request id, told without anything internal."""
    log.exception("unhandled %s at %s", type(error).__name__, request.endpoint, exc_info=error)
    return problem(500, code="internal_error", title=TITLES[500])


def register_problems(app: Flask) -> None:
    """Let every error of an app become a problem response."""
    app.register_error_handler(Refusal, of_refusal)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(IntegrityError, of_integrity)
    app.register_error_handler(OperationalError, of_database)
    app.register_error_handler(InterfaceError, of_database)
    app.register_error_handler(DataError, of_data)
    app.register_error_handler(UnicodeEncodeError, of_text)
    app.register_error_handler(Exception, of_bug)
