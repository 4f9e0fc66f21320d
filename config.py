"""Keeps every setting of Minhu, and is the only reader of the environment. `docs/settings.md` is checked against it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def _flag(value: str) -> bool:
    return value.strip().lower() in {"1", "true", "yes", "on"}


def setting(name: str, default: str, doc: str) -> str:
    """Declare a setting: environment name, default, and what it means; gives the text in force."""
    SETTINGS[name] = (default, doc)
    return os.environ.get(name, default)


SETTINGS: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting, read from the environment once. Fields are named as the environment variables, in lower case."""

    environment: str = field(
        default_factory=lambda: setting(
            "MINHU_ENV", "development", "`development` or `production`. In production every development stand-in refuses to start."
        )
    )
    data_dir: Path = field(
        default_factory=lambda: Path(
            setting(
                "DATA_DIR", "var", "Folder for everything kept on this machine: database, keys, logs. Relative to the checkout."
            )
        )
    )
    database_url: str = field(
        default_factory=lambda: setting(
            "DATABASE_URL",
            "",
            "SQLAlchemy or libpq URL of a real PostgreSQL (15 or newer); empty means the embedded one under DATA_DIR.",
        )
    )
    port: int = field(default_factory=lambda: int(setting("PORT", "8000", "Port on which the web processes listen.")))
    bind: str = field(default_factory=lambda: setting("BIND", "127.0.0.1", "Address on which the web processes listen."))
    trusted_proxies: int = field(
        default_factory=lambda: int(
            setting(
                "TRUSTED_PROXIES",
                "0",
                "Reverse proxies in front whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; 0 believes nobody.",
            )
        )
    )
    report_limit_person: int = field(
        default_factory=lambda: int(
            setting("REPORT_LIMIT_PERSON", "30", "Writes of one resident's session in 10 minutes, in each web process; 0 = off.")
        )
    )
    report_limit_address: int = field(
        default_factory=lambda: int(
            setting("REPORT_LIMIT_ADDRESS", "600", "The same for all residents who share one network address; 0 = off.")
        )
    )
    web_workers: int = field(default_factory=lambda: int(setting("WEB_WORKERS", "2", "Web processes.")))
    web_threads: int = field(default_factory=lambda: int(setting("WEB_THREADS", "8", "Threads in each web process.")))
    demo: bool = field(
        default_factory=lambda: _flag(
            setting("DEMO", "off", "`on` fills an empty ledger with the demo county; `make run` sets it.")
        )
    )
    development_clock: bool = field(
        default_factory=lambda: _flag(
            setting(
                "DEVELOPMENT_CLOCK", "off", "`on` lets `flask clock advance` move the time of all processes; refused in production."
            )
        )
    )
    keys_file: str = field(
        default_factory=lambda: setting(
            "KEYS_FILE",
            "",
            "JSON file with the encryption, index and audit keys; empty means DATA_DIR/keys.json (made in development).",
        )
    )
    wechat_gateway: str = field(
        default_factory=lambda: setting(
            "WECHAT_GATEWAY",
            "off",
            "`off`, `official` (WeChat's servers) or `development` (codes `dev:NAME` sign in as NAME; refused in production).",
        )
    )
    wechat_base_url: str = field(
        default_factory=lambda: setting(
            "WECHAT_BASE_URL",
            "https://api.weixin.qq.com",
            "Where WeChat's API answers; staging and tests point it at a local peer.",
        )
    )
    wechat_appid: str = field(default_factory=lambda: setting("WECHAT_APPID", "", "The mini-program's appid."))
    wechat_secret: str = field(repr=False, default_factory=lambda: setting("WECHAT_SECRET", "", "The mini-program's secret."))
    wechat_timeout: float = field(
        default_factory=lambda: float(setting("WECHAT_TIMEOUT", "5", "Seconds until a call to WeChat is given up."))
    )
    files_store: str = field(
        default_factory=lambda: setting(
            "FILES_STORE", "local", "Where attachments lie, sealed: `local` (DATA_DIR/files) or `s3` (a bucket that speaks S3)."
        )
    )
    s3_endpoint: str = field(
        default_factory=lambda: setting(
            "S3_ENDPOINT", "", "URL at which the S3 service answers, such as `https://s3.example.cn`; empty means Amazon's own."
        )
    )
    s3_bucket: str = field(
        default_factory=lambda: setting("S3_BUCKET", "", "The bucket that holds attachments and nothing else; it must exist.")
    )
    s3_region: str = field(default_factory=lambda: setting("S3_REGION", "us-east-1", "The region that requests are signed for."))
    s3_access_key: str = field(
        repr=False, default_factory=lambda: setting("S3_ACCESS_KEY", "", "The access key that may read and write in the bucket.")
    )
    s3_secret_key: str = field(repr=False, default_factory=lambda: setting("S3_SECRET_KEY", "", "The secret of the access key."))
    s3_timeout: float = field(
        default_factory=lambda: float(
            setting("S3_TIMEOUT", "10", "Seconds until a call to the S3 service is given up; each is tried twice.")
        )
    )
    log_level: str = field(default_factory=lambda: setting("LOG_LEVEL", "INFO", "Python log level."))
    testing: bool = False

    @property
    def production(self) -> bool:
        """Whether development stand-ins must refuse."""
        return self.environment == "production"

    @property
    def data_path(self) -> Path:
        """DATA_DIR as an absolute path."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir


@dataclass(frozen=True, kw_only=True)
class TestConfig(Config):
    """Settings of the tests: nothing is read from outside but what a test hands in."""

    __test__ = False
    environment: str = "development"
    wechat_gateway: str = "development"
    wechat_appid: str = "wx-test"
    development_clock: bool = False
    trusted_proxies: int = 0
    report_limit_person: int = 0
    report_limit_address: int = 0
    testing: bool = True
