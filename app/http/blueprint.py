"""Keeps what every door's blueprint does around a view: auth, one transaction, idempotency; and the door's own contract."""

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Flask, Response, g, make_response
from flask_smorest import Api, Blueprint
from marshmallow import RAISE, Schema, fields

from app.core.database import transaction
from app.core.stamp import Door
from app.http.auth import Auth
from app.http.idempotency import answered_once

View = Callable[..., Any]

_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "description": "A fresh UUID for each thing to be done; the same one when the request is repeated.",
}


_RAW = {"type": "string", "format": "binary"}


class ProblemSchema(Schema):
    """An error, as RFC 9457 has it."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String()
    detail = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    facts = fields.Dict()
    request_id = fields.String()


class DoorBlueprint(Blueprint):  # type: ignore[misc]
    """A topic of a door. Its auth is set here, where it is made; every view runs in one transaction.

    Creating POSTs need an Idempotency-Key unless the blueprint is made with `repeatable=False` (look-ups). `first` runs before
    the view's transaction and keeps its own (counting tries). With `in_steps=True` no transaction is opened around the view:
    its function opens them one after the other and may wait for others in between (sign-in).
    """

    def __init__(
        self,
        name: str,
        *,
        door: Door,
        prefix: str,
        auth: Auth,
        repeatable: bool = True,
        in_steps: bool = False,
        first: Callable[[], None] | None = None,
        tag: str = "",
    ) -> None:
        """Name a topic, its prefix below the door's, and who may knock."""
        super().__init__(f"{door}.{name}".replace(".", "_"), name, url_prefix=prefix, description=tag)
        self.auth = auth
        self.repeatable = repeatable and not in_steps
        self.in_steps = in_steps
        self.first = first

    def route(self, rule: str, *, parameters: Any = None, **options: Any) -> Callable[[View], View]:
        """Register a view; it is wrapped so that returning commits and raising rolls back."""
        keyed = self.repeatable and "POST" in options.get("methods", ["GET"])
        register = super().route(rule, parameters=parameters, **options)

        def decorate(view: View) -> View:
            wrapped = self._wrap(view, keyed=keyed)
            wrapped._minhu_auth = self.auth.name  # type: ignore[attr-defined]
            register(self._contract(wrapped, keyed=keyed))
            return view

        return decorate

    def _contract(self, view: View, *, keyed: bool) -> View:
        """Let the OpenAPI document say who may knock, and that a creating POST has its key beside its other parameters."""
        security: dict[str, Any] = {} if self.auth.name == "anybody" else {"security": [{"bearer": []}]}
        told: View = self.doc(**security)(view)
        if keyed:
            told._apidoc.setdefault("arguments", {}).setdefault("parameters", []).append(dict(_KEY))  # type: ignore[attr-defined]
        return told

    def arguments(self, schema: type[Schema] | Schema, *, location: str = "json", **options: Any) -> Callable[[View], View]:
        """Take the fields of a schema as the view's next argument; a misspelt filter is refused, not overlooked."""
        if location == "query":
            options.setdefault("unknown", RAISE)
        take: Callable[[View], View] = super().arguments(schema, location=location, **options)
        return take

    def takes_bytes(self, words: str) -> Callable[[View], View]:
        """Say in the contract that a view takes raw bytes, and which; it reads them from the request itself."""
        body = {"required": True, "description": words, "content": {"application/octet-stream": {"schema": _RAW}}}
        told: Callable[[View], View] = self.doc(requestBody=body)
        return told

    def response(
        self, status: int, schema: type[Schema] | Schema | dict[str, Any] | None = None, **options: Any
    ) -> Callable[[View], View]:
        """Answer with a status and, where there is a body, by a schema; a file is described in OpenAPI's own words."""
        give: Callable[[View], View] = super().response(status, schema, **options)
        return give

    def _wrap(self, view: View, *, keyed: bool) -> View:
        @functools.wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:
            if self.first is not None:
                self.first()
            if self.in_steps:  # no connection is held while the body comes in or others are asked
                with transaction():
                    g.stamp = self.auth.make_stamp(self.auth.door)
            with nullcontext() if self.in_steps else transaction():
                if not self.in_steps:
                    g.stamp = self.auth.make_stamp(self.auth.door)

                def answer() -> Response:
                    return make_response(view(*args, **kwargs))

                return answered_once(g.stamp, answer) if keyed else answer()

        return run


class DoorApi(Api):  # type: ignore[misc]
    """A door's contract: its own OpenAPI document; errors are left to `http.problems`."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave every error to the app's own handlers."""

    def _register_responses(self) -> None:
        """Describe every error as a problem."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def open_door(app: Flask, *, name: str, title: str, prefix: str, blueprints: list[DoorBlueprint]) -> DoorApi:
    """Open a door: register its topics below its prefix and publish its OpenAPI document."""
    config = name.upper() + "_"
    app.config.update(
        {
            f"{config}API_TITLE": title,
            f"{config}API_VERSION": "v1",
            f"{config}OPENAPI_VERSION": "3.1.0",
            f"{config}OPENAPI_URL_PREFIX": prefix,
            f"{config}OPENAPI_JSON_PATH": "openapi.json",
        }
    )
    api = DoorApi(app, config_prefix=config)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix=prefix + (blueprint.url_prefix or ""))
    return api
