"""Keeps the keys: identity data is encrypted with AES-256-GCM under versioned keys and found by a blind index."""

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class KeysMissing(Exception):
    """The keys file is missing where it must not be made anew."""


class Undecipherable(Exception):
    """A stored value cannot be decrypted: wrong keys, or it was altered."""


@dataclass(frozen=True)
class Keyring:
    """Encryption keys by version (the highest encrypts), the index key and the audit key, 32 bytes each."""

    encryption: dict[int, bytes]
    index: bytes
    audit: bytes

    @property
    def current(self) -> int:
        """Give the version that encrypts."""
        return max(self.encryption)

    def encrypt(self, plain: str, *, field: str) -> bytes:
        """Encrypt text for the column named `field` (table.column), so that a value moved elsewhere does not open."""
        version = self.current
        nonce = os.urandom(NONCE)
        sealed = AESGCM(self.encryption[version]).encrypt(nonce, plain.encode(), field.encode())
        return version.to_bytes(2, "big") + nonce + sealed

    def decrypt(self, sealed: bytes, *, field: str) -> str:
        """Decrypt what `encrypt` gave for the same field; raises Undecipherable."""
        version = int.from_bytes(sealed[:2], "big")
        key = self.encryption.get(version) or _key_added_since(version)
        if key is None:
            raise Undecipherable(f"no key of this version for {field}")
        try:
            return AESGCM(key).decrypt(sealed[2 : 2 + NONCE], sealed[2 + NONCE :], field.encode()).decode()
        except InvalidTag:
            raise Undecipherable(f"a value of {field} does not open") from None

    def blind(self, value: str, *, field: str) -> bytes:
        """Give the blind index of a normalised value: HMAC-SHA-256, 32 bytes, equal for equal values of one field."""
        return hmac.digest(self.index, f"{field}\0{value}".encode(), "sha256")

    def rotated(self) -> "Keyring":
        """Give a ring with one more encryption key; the old ones go on opening what they sealed."""
        return Keyring({**self.encryption, self.current + 1: secrets.token_bytes(32)}, self.index, self.audit)


def new_keyring() -> Keyring:
    """Make a ring of fresh random keys."""
    return Keyring({1: secrets.token_bytes(32)}, secrets.token_bytes(32), secrets.token_bytes(32))


def save_keyring(ring: Keyring, path: Path) -> None:
    """Write the ring as JSON, readable by its owner only, replacing the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "encryption": {str(version): base64.b64encode(key).decode() for version, key in ring.encryption.items()},
            "index": base64.b64encode(ring.index).decode(),
            "audit": base64.b64encode(ring.audit).decode(),
        },
        indent=2,
    )
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def load_keyring(path: Path, *, make: bool) -> Keyring:
    """Read the ring; when the file is missing, make one if `make`, else raise KeysMissing naming the file."""
    if not path.exists():
        if not make:
            raise KeysMissing(f"KEYS_FILE {path} does not exist; run `flask keys new` once and keep a copy apart from the database")
        save_keyring_once(path)
    kept = json.loads(path.read_text(encoding="ascii"))
    return Keyring(
        {int(version): base64.b64decode(key) for version, key in kept["encryption"].items()},
        base64.b64decode(kept["index"]),
        base64.b64decode(kept["audit"]),
    )


def save_keyring_once(path: Path) -> None:
    """Make a new ring at `path` unless another process has just done so: the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    save_keyring(new_keyring(), fresh)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


_ring: Keyring | None = None
_file: Path | None = None


def use_keyring(ring: Keyring, *, file: Path | None = None) -> None:
    """Set the ring of this process; `file` is read again for a value that a newer key has sealed meanwhile."""
    global _ring, _file
    _ring, _file = ring, file


def keyring() -> Keyring:
    """Give the ring of this process; raises KeysMissing when none was set."""
    if _ring is None:
        raise KeysMissing("no keyring was loaded")
    return _ring


def _key_added_since(version: int) -> bytes | None:
    """Give a key that another process has added to the file, which this one then uses too; None when there is none."""
    if _file is None:
        return None
    try:
        fresh = load_keyring(_file, make=False)
    except (KeysMissing, OSError, ValueError, KeyError):
        return None
    if version in fresh.encryption:
        use_keyring(fresh, file=_file)
    return fresh.encryption.get(version)
