"""Keeps the bytes of files in a bucket that speaks S3; boto3 is loaded when the first object travels."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.files.stores import ObjectMissing, StoreAway, StoreFull

_FULL = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"})
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where a bucket is and how it is opened; `timeout` is in seconds, for connecting and for each read."""

    endpoint: str
    name: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    timeout: float = 10.0


class S3Store:
    """Objects in a bucket, named `FILE/PART`. What fails on the way is tried twice, then the store counts as away."""

    def __init__(self, bucket: Bucket) -> None:
        """Open nothing yet."""
        self._bucket = bucket
        self._lock = threading.Lock()
        self._made: Any = None

    def put(self, name: str, part: str, content: bytes) -> None:
        """Put an object."""
        with _told():
            self._client().put_object(Bucket=self._bucket.name, Key=f"{name}/{part}", Body=content)

    def get(self, name: str, part: str) -> bytes:
        """Get an object."""
        with _told():
            body: bytes = self._client().get_object(Bucket=self._bucket.name, Key=f"{name}/{part}")["Body"].read()
            return body

    def exists(self, name: str, part: str) -> bool:
        """Ask for an object's head."""
        try:
            with _told():
                self._client().head_object(Bucket=self._bucket.name, Key=f"{name}/{part}")
        except ObjectMissing:
            return False
        return True

    def delete(self, name: str, *, but: Collection[str] = ()) -> None:
        """Delete a file's objects except `but`, one by one: not every S3 takes many at once the same way."""
        with _told():
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name, Prefix=f"{name}/")
            for key in [found["Key"] for page in pages for found in page.get("Contents", [])]:
                if key.partition("/")[2] not in but:
                    self._client().delete_object(Bucket=self._bucket.name, Key=key)

    def _client(self) -> Any:
        with self._lock:  # making a client is not safe for threads, using one is
            if self._made is None:
                import boto3
                from botocore.config import Config

                bucket = self._bucket
                config = Config(
                    connect_timeout=min(3.0, bucket.timeout),
                    read_timeout=bucket.timeout,
                    retries={"total_max_attempts": 2, "mode": "standard"},
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    max_pool_connections=16,
                )
                self._made = boto3.session.Session().client(
                    "s3",
                    endpoint_url=bucket.endpoint or None,
                    region_name=bucket.region,
                    aws_access_key_id=bucket.access_key,
                    aws_secret_access_key=bucket.secret_key,
                    config=config,
                )
            return self._made


@contextmanager
def _told() -> Iterator[None]:
    """Tell the errors of boto3 as ours."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise ObjectMissing(code) from None
        raise (StoreFull if code in _FULL else StoreAway) from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise StoreAway from error
