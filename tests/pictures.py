"""Pictures for the tests: photos as phones take them, and uploads as phones send them."""

import hashlib
import io
import json
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from tests.callers import Caller

PART = 64 * 1024


def photo(
    *, size: tuple[int, int] = (640, 480), color: str = "red", form: str = "JPEG", located: bool = False, turn: int = 1
) -> bytes:
    """A photo in one colour, its left half blue; `located` writes when and where it was taken into its EXIF."""
    picture = Image.new("RGB", size, color)
    picture.paste("blue", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    if located:
        exif.get_ifd(0x8769)[36867] = "2026:11:22 15:30:00"
        exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 38.0, 24.0), 3: "E", 4: (116.0, 58.0, 12.0)})
        exif[0x010F] = "secret-camera"
    if turn != 1:
        exif[0x0112] = turn
    out = io.BytesIO()
    picture.save(out, form, exif=exif)
    return out.getvalue()


def announced(content: bytes, *, extension: str = "jpg", purpose: str = "evidence") -> dict[str, Any]:
    """What is said of a file before its bytes come."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "extension": extension, "purpose": purpose}


def send(
    caller: Caller, file_id: int, offset: int, part: bytes, *, at: str = "/uploads", ticket: str | None = None
) -> TestResponse:
    """Send one part."""
    headers = {"Authorization": f"Bearer {caller.token}", "Upload-Offset": str(offset)}
    headers |= {"Upload-Ticket": ticket} if ticket else {}
    return caller.client.patch(f"{caller.door}{at}/{file_id}", data=part, headers=headers, content_type="application/octet-stream")


def upload(caller: Caller, content: bytes, *, extension: str = "jpg", purpose: str = "evidence", part: int = PART) -> TestResponse:
    """Upload a file through good network; gives the last answer."""
    answer = caller.post("/uploads", announced(content, extension=extension, purpose=purpose))
    assert answer.status_code == 201, answer.text
    place = answer.json["received"]
    while answer.status_code < 300 and place < len(content):
        answer = send(caller, answer.json["id"], place, content[place : place + part])
        place += part
    return answer


def upload_unnamed(caller: Caller, content: bytes, *, ticket: str | None = None) -> tuple[int, str]:
    """Upload a photo for an anonymous report; gives its id and the ticket."""
    headers = {
        "Authorization": f"Bearer {caller.token}",
        "Idempotency-Key": hashlib.md5(content + (ticket or "").encode()).hexdigest(),
    }
    headers |= {"Upload-Ticket": ticket} if ticket else {}
    made = caller.client.post(
        f"{caller.door}/anonymous-uploads", data=json.dumps(announced(content)), headers=headers, content_type="application/json"
    )
    assert made.status_code == 201, made.text
    file_id, held = made.json["id"], made.json["ticket"]
    for place in range(0, len(content), PART):
        answer = send(caller, file_id, place, content[place : place + PART], at="/anonymous-uploads", ticket=held)
        assert answer.status_code == 200, answer.text
    return file_id, held
