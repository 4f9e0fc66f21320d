"""Keeps the one place where the parts of Minhu meet: configuration, clock, gateways, database, doors, commands."""

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.cli import register_commands
from app.core.clock import Clock, DevelopmentClock, system_clock
from app.core.crypto import KeysMissing, load_keyring, use_keyring
from app.core.database import db
from app.core.postgres import connection_url
from app.desk_api import register_desk
from app.files.local_store import LocalStore
from app.files.s3_store import Bucket, S3Store
from app.files.stores import Store, use_store
from app.grid_api import register_grid
from app.home import register_home
from app.http.file_links import register_file_links
from app.http.flood import Flood
from app.http.problems import register_problems
from app.notices.gateways import ConsoleGateway, Gateway
from app.notices.jobs import use_gateway
from app.wechat.choose import gateway_for
from app.wechat.gateway import WechatGateway
from config import Config
from miniprogram_api import register_miniprogram

MEGABYTE = 1024 * 1024


class RefusedInProduction(Exception):
    """A development stand-in is switched on in production."""


class StoreUnknown(Exception):
    """FILES_STORE names no store, or an incomplete one."""


@dataclass(frozen=True)
class Parts:
    """What was handed to the app, for those who need it: `app.extensions["minhu"]`."""

    config: Config
    clock: Clock
    wechat: WechatGateway
    keys_file: Path
    flood: Flood


def create_app(
    config: Config | None = None,
    *,
    clock: Clock | None = None,
    wechat: WechatGateway | None = None,
    notices: Gateway | None = None,
    files: Store | None = None,
) -> Flask:
    """Make the app. What is not handed in is made from the configuration; raises RefusedInProduction, StoreUnknown, KeysMissing."""
    config = config or Config()
    if config.production and (config.development_clock or config.demo):
        raise RefusedInProduction("DEVELOPMENT_CLOCK and DEMO are for development only; unset them when MINHU_ENV=production")
    app = Flask("app", static_folder=None, template_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=database_url(config),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": config.web_threads,
            "max_overflow": 4,
            "pool_timeout": 10,
            "hide_parameters": True,  # what people say belongs into no log
            "connect_args": {
                "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=5000",
                "application_name": "minhu",
            },
        },
        MAX_CONTENT_LENGTH=MEGABYTE,
        TESTING=config.testing,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would log twice for every look at `/readyz`
    _take_keys(config)
    use_gateway(notices or ConsoleGateway())
    use_store(files or store_for(config))
    flood = Flood(person=config.report_limit_person, address=config.report_limit_address)
    app.extensions["minhu"] = Parts(config, clock or clock_for(config), wechat or gateway_for(config), keys_path(config), flood)
    db.init_app(app)
    register_problems(app)
    register_miniprogram(app)
    register_grid(app)
    register_desk(app)
    register_home(app)
    register_file_links(app)
    register_commands(app)
    app.before_request(_name_request)
    app.after_request(_harden)
    if config.trusted_proxies > 0:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def clock_for(config: Config) -> Clock:
    """Give the clock that the configuration asks for."""
    return DevelopmentClock(config.data_path / "clock-offset") if config.development_clock else system_clock


def store_for(config: Config) -> Store:
    """Give the store of attachments that the configuration asks for."""
    if config.files_store == "local":
        return LocalStore(config.data_path / "files")
    if config.files_store != "s3" or not config.s3_bucket:
        raise StoreUnknown("FILES_STORE must be `local`, or `s3` together with S3_BUCKET")
    bucket = Bucket(
        endpoint=config.s3_endpoint,
        name=config.s3_bucket,
        access_key=config.s3_access_key,
        secret_key=config.s3_secret_key,
        region=config.s3_region,
        timeout=config.s3_timeout,
    )
    return S3Store(bucket)


def keys_path(config: Config) -> Path:
    """Give where the keys lie."""
    return Path(config.keys_file) if config.keys_file else config.data_path / "keys.json"


def _take_keys(config: Config) -> None:
    """Load the keys; only for commands the app is made without, since one of them makes the file. Raises KeysMissing."""
    try:
        use_keyring(load_keyring(keys_path(config), make=not config.production), file=keys_path(config))
    except KeysMissing:
        if click.get_current_context(silent=True) is None:
            raise


def database_url(config: Config) -> str:
    """Give the SQLAlchemy URL of the database: the given one in psycopg's dialect, or that of the embedded server."""
    url = config.database_url
    if not url:
        return connection_url(config.data_path)
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)


def _harden(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    if not request.path.startswith("/assets/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
