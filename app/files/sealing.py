"""Keeps the bytes of files unreadable for who takes the store: each file has a key of its own, which the keyring seals.

A rotation of the keyring seals these keys anew and need not touch the store; who deletes a file's row has made its bytes unreadable
in every copy of the store.
"""

import base64
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.crypto import NONCE, Undecipherable, keyring
from app.files.stores import store

FORM = b"\x01"
"""The form of what is stored: this byte, the nonce, the sealed bytes (AES-256-GCM, bound to the object's name)."""


def new_content_key() -> bytes:
    """Make a file's key; gives it sealed."""
    return keyring().encrypt(base64.b64encode(secrets.token_bytes(32)).decode(), field="file.content_key")


def keep(name: str, part: str, content: bytes, *, key: bytes) -> None:
    """Seal and store an object of the file `name` under its sealed `key`. Raises StoreAway, StoreFull."""
    nonce = os.urandom(NONCE)
    store().put(name, part, FORM + nonce + _cipher(key).encrypt(nonce, content, f"{name}/{part}".encode()))


def fetch(name: str, part: str, *, key: bytes) -> bytes:
    """Fetch and open an object; raises ObjectMissing, StoreAway, Undecipherable."""
    sealed = store().get(name, part)
    start = len(FORM) + NONCE
    try:
        return _cipher(key).decrypt(sealed[len(FORM) : start], sealed[start:], f"{name}/{part}".encode())
    except InvalidTag:
        raise Undecipherable(f"the object {name}/{part} does not open") from None


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(base64.b64decode(keyring().decrypt(bytes(key), field="file.content_key")))
