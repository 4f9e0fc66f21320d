"""Keeps the links of append-only records: each link is an HMAC over the link before it and the record's plain columns."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

GENESIS = bytes(32)
"""The link before the first record."""


def canonical(record: Mapping[str, Any]) -> bytes:
    """Give a record's canonical JSON: sorted keys, UTF-8, moments as RFC 3339 (the caller gives them in UTC).

    A record holds text, whole numbers, truth values, None, moments, and lists and dictionaries of these: nothing whose
    writing could differ after a round trip through `jsonb`.
    """
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def link(audit_key: bytes, before: bytes, record: Mapping[str, Any]) -> bytes:
    """Give the link of a record: HMAC-SHA-256(audit key, previous link ‖ canonical record), 32 bytes."""
    return hmac.digest(audit_key, before + canonical(record), hashlib.sha256)


def new_salt() -> bytes:
    """Give a fresh salt of 16 bytes for one record's words."""
    return secrets.token_bytes(16)


def words_seal(salt: bytes, words: Mapping[str, Any]) -> bytes:
    """Give HMAC(salt, words): proves the words while they stand, says nothing of them once salt and words are erased."""
    return hmac.digest(salt, canonical(words), hashlib.sha256)
