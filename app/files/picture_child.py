"""Keeps the program that reads one picture in a process of its own, so that what a picture may do to its reader stays there.

It takes the format as its argument and the bytes on standard input, and answers with one line of JSON and, where the picture was
fit, three pictures made anew: nothing of the original but its pixels goes on. Knows no other module of this house.
"""

import io
import json
import math
import resource
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

assert JpegImagePlugin
assert PngImagePlugin
assert WebPImagePlugin

MOST_PIXELS = {"JPEG": 64_000_000, "PNG": 24_000_000, "WEBP": 24_000_000}
"""Pixels that a picture may claim to have. Of a large JPEG only an eighth to a half is ever decoded."""

MOST_MEMORY, MOST_SECONDS = 512 * 1024 * 1024, 20
"""Address space in bytes and processor time that this process may take."""

SIDES = (4096, 1280, 256)
"""The longer sides, in pixels, of what is kept: the picture itself, one to look at, one for lists."""

DRAFT = 2700
"""Pixels of the longer side above which a JPEG is decoded at a half, a quarter or an eighth, as long as so many are left."""

CHINA = timezone(timedelta(hours=8))
_EXIF, _GPS = 0x8769, 0x8825


class Unfit(Exception):
    """The picture is not taken; the message is a code."""


def read(content: bytes, form: str) -> tuple[dict[str, Any], list[bytes]]:
    """Give what a picture says of itself and three pictures made anew; raises Unfit."""
    Image.MAX_IMAGE_PIXELS = None  # our own limit comes before anything is decoded
    try:
        with Image.open(io.BytesIO(content), formats=[form]) as opened:
            if opened.width * opened.height > MOST_PIXELS[form]:
                raise Unfit("pixels")
            said = _said(opened)
            if form == "JPEG":
                part = DRAFT / max(opened.size)
                opened.draft("RGB", (int(opened.width * part), int(opened.height * part)))
            return said, _pictures(_upright(opened), said)
    except MemoryError:
        raise Unfit("pixels") from None
    except (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, EOFError):
        raise Unfit("broken") from None


def _pictures(made: Image.Image, said: dict[str, Any]) -> list[bytes]:
    """Give a picture in its three sizes, and say the first one's."""
    pictures = []
    for side in SIDES:
        made.thumbnail((side, side), Image.Resampling.LANCZOS)
        pictures.append(_jpeg(made, quality=85 if side == SIDES[0] else 80))
        if side == SIDES[0]:
            said |= {"width": made.width, "height": made.height}
    return pictures


def _upright(opened: Image.Image) -> Image.Image:
    """Decode the first picture, turned as the camera says, on white where it is see-through."""
    opened.load()
    ImageOps.exif_transpose(opened, in_place=True)
    turned: Image.Image = opened
    if turned.has_transparency_data:
        seen = turned.convert("RGBA")
        ground = Image.new("RGB", seen.size, "white")
        ground.paste(seen, mask=seen.getchannel("A"))
        return ground
    return turned if turned.mode == "RGB" else turned.convert("RGB")


def _jpeg(picture: Image.Image, *, quality: int) -> bytes:
    out = io.BytesIO()
    picture.info = {}  # of what a file says beside its pixels nothing is written
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _said(opened: Image.Image) -> dict[str, Any]:
    """Give when and where the camera says it was, None where it says nothing that can be."""
    try:
        exif = opened.getexif()
        return {"taken_at": _taken_at(exif.get_ifd(_EXIF)), "position": _position(exif.get_ifd(_GPS))}
    except (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        return {"taken_at": None, "position": None}


def _taken_at(tags: dict[int, Any]) -> str | None:
    text, zone = str(tags.get(36867, "")), str(tags.get(36881, ""))
    try:
        day, clock = text.strip("\0 ").split(" ")
        year, month, date = (int(part) for part in day.split(":"))
        hour, minute, second = (int(part) for part in clock.split(":"))
        at = datetime(year, month, date, hour, minute, second, tzinfo=_zone(zone.strip("\0 ")))
        return at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    if len(text) == 6 and text[0] in "+-" and text[3] == ":":
        away = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
        return timezone(away if text[0] == "+" else -away)
    return CHINA


def _position(tags: dict[int, Any]) -> list[float] | None:
    if not {1, 2, 3, 4} <= set(tags):
        return None
    found = []
    for sign, degrees, most in ((1, 2, 90.0), (3, 4, 180.0)):
        whole, minutes, seconds = (float(part) for part in tags[degrees])
        value = whole + minutes / 60 + seconds / 3600
        if not math.isfinite(value) or value > most:
            return None
        found.append(round(-value if str(tags[sign]).strip("\0 ").upper() in ("S", "W") else value, 7))
    return found if found != [0.0, 0.0] else None


def main() -> None:
    """Read one picture from standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        said, pictures = read(sys.stdin.buffer.read(), sys.argv[1])
    except (Unfit, MemoryError) as unfit:
        said, pictures = {"unfit": str(unfit) or "pixels"}, []
    sys.stdout.buffer.write(json.dumps(said | {"sizes": [len(each) for each in pictures]}).encode() + b"\n")
    for each in pictures:
        sys.stdout.buffer.write(each)


if __name__ == "__main__":
    main()
