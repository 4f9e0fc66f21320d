"""Pictures: told by content, made anew, turned upright; what a camera says of place and time stays out of what is kept."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.database import db
from app.files import picture_child
from app.files.attaching import position_of
from app.files.models import File
from app.files.sealing import fetch
from tests.pictures import photo, upload, upload_unnamed


def stored(variant: str = "original") -> bytes:
    """What the store holds of the only file."""
    file = db.session.scalars(select(File)).one()
    return fetch(file.name, variant, key=file.content_key)


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be so large, in some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def office(*, main: str = "word/document.xml", more: tuple[str, ...] = (), types: str = "<Types/>") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in (("[Content_Types].xml", types), (main, "<w/>"), *((each, "x") for each in more)):
            packed.writestr(name, text)
    return out.getvalue()


def test_a_photo_is_kept_upright_without_its_exif(zhou, kept):
    answer = upload(zhou, photo(size=(640, 480), located=True, turn=6))
    assert (answer.json["state"], answer.json["kind"]) == ("ready", "image")
    blob = stored()
    assert b"secret-camera" not in blob
    assert b"Exif" not in blob
    with Image.open(io.BytesIO(blob)) as picture:
        assert picture.size == (480, 640)
        assert dict(picture.getexif()) == {}
        top, bottom = picture.convert("RGB").getpixel((240, 20)), picture.convert("RGB").getpixel((240, 620))
    assert top[2] > 200 and top[0] < 60  # noqa: PT018 - blue, once the left half
    assert bottom[0] > 200 and bottom[2] < 60  # noqa: PT018 - red


def test_time_and_place_of_a_photo_are_read_first_and_sealed(zhou, kept, session):
    upload(zhou, photo(located=True))
    file = session.scalars(select(File)).one()
    assert file.taken_at.isoformat() == "2026-11-22T07:30:00+00:00"
    assert b"33.64" not in bytes(file.position)
    assert (position_of(file).latitude, position_of(file).longitude) == (33.64, 116.97)


def test_of_an_unnamed_photo_neither_time_nor_place_is_kept(lin, kept, session):
    upload_unnamed(lin, photo(located=True))
    file = session.scalars(select(File)).one()
    assert (file.taken_at, file.position, file.resident_id) == (None, None, None)


def test_a_picture_has_two_smaller_ones(zhou, kept):
    upload(zhou, photo(size=(6000, 3000)))
    sizes = {}
    for variant in ("original", "view", "list"):
        with Image.open(io.BytesIO(stored(variant))) as picture:
            sizes[variant] = picture.size
    assert sizes == {"original": (3000, 1500), "view": (1280, 640), "list": (256, 128)}


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_pictures_become_jpeg_and_what_hides_behind_them_is_gone(zhou, kept, form):
    upload(zhou, photo(form=form) + b"<script>alert(1)</script>PK\x03\x04", extension=form.lower())
    assert stored().startswith(b"\xff\xd8\xff")
    assert b"script" not in stored()


def test_a_moving_picture_stands_still(zhou, kept):
    out = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "green", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    upload(zhou, out.getvalue(), extension="webp")
    with Image.open(io.BytesIO(stored())) as picture:
        assert getattr(picture, "n_frames", 1) == 1


def test_a_see_through_picture_lies_on_white(zhou, kept):
    out = io.BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(out, "PNG")
    upload(zhou, out.getvalue(), extension="png")
    with Image.open(io.BytesIO(stored())) as picture:
        assert picture.getpixel((30, 30)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_anything_is_decoded(zhou, kept, size):
    content = bomb(*size)
    assert len(content) < 1000
    answer = upload(zhou, content, extension="png")
    assert (answer.status_code, answer.json["code"]) == (422, "file_unfit")
    assert "像素太多" in answer.json["detail"]
    assert [path for path in kept.root.rglob("*") if path.is_file()] == []


def test_a_hundred_megapixels_take_no_memory(monkeypatch):
    loaded = []
    monkeypatch.setattr(Image.Image, "load", loaded.append)
    with pytest.raises(picture_child.Unfit, match="pixels"):
        picture_child.read(bomb(10_000, 10_000), "PNG")
    assert loaded == []


@pytest.mark.parametrize(
    ("content", "extension", "words"),
    [
        (office(), "jpg", "文件内容是文档，与图片的名称不符"),
        (photo(), "pdf", "文件内容是图片，与PDF的名称不符"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "heic", "兼容性最佳"),
        (b"GIF89a" + b"\0" * 64, "jpg", "GIF"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 64, "docx", "旧格式"),
        (b"MZ\x90\0" + b"\0" * 64, "jpg", "不支持这种文件格式"),
        (b"<svg onload='alert(1)'/>", "png", "不支持这种文件格式"),
        (photo()[:700], "jpg", "图片已损坏"),
        (b"\xff\xd8\xff" + b"x" * 500, "jpg", "图片已损坏"),
        (office(more=("word/vbaProject.bin",)), "docx", "宏"),
        (office(types="<Types>application/vnd.ms-word.document.macroEnabled.main+xml</Types>"), "docx", "宏"),
        (office(main="other.txt"), "docx", "只支持 .docx"),
        (b"PK\x03\x04" + b"\0" * 100, "docx", "损坏"),
        (b"%PDF-1.7 /JavaScript (app.alert) %%EOF", "pdf", "可执行"),
        (b"%PDF-1.7 cut off", "pdf", "不完整"),
    ],
)
def test_what_does_not_fit_is_refused_with_words(zhou, kept, content, extension, words):
    answer = upload(zhou, content, extension=extension)
    assert (answer.status_code, answer.json["code"]) == (422, "file_unfit")
    assert words in answer.json["detail"]
    again = zhou.get(f"/uploads/{db.session.scalars(select(File.id)).one()}").json
    assert (again["state"], again["refusal"]) == ("refused", answer.json["detail"])


@pytest.mark.parametrize(
    ("content", "extension", "kind"),
    [
        (office(), "docx", "office"),
        (office(main="xl/workbook.xml"), "xlsx", "office"),
        (b"%PDF-1.4\n...\n%%EOF\n", "pdf", "pdf"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 64, "mp4", "video"),
        (b"#!AMR\n" + b"\0" * 64, "amr", "audio"),
        (b"ID3\x04" + b"\0" * 64, "mp3", "audio"),
    ],
)
def test_what_fits_is_kept_as_it_is(zhou, kept, content, extension, kind):
    assert upload(zhou, content, extension=extension).json["kind"] == kind
    assert stored() == content


def test_a_signature_is_a_picture(zhou, kept):
    answer = upload(zhou, b"%PDF-1.4\n%%EOF\n", extension="pdf", purpose="signature")
    assert answer.json["detail"] == "这里只能上传图片"
