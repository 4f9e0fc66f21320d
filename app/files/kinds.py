"""Keeps what a file is, told by its content alone, and what is refused with words. Pure; nothing here decodes an image."""

import io
import zipfile
from dataclasses import dataclass

from app.core.errors import Invalid
from app.files.models import FileKind, FilePurpose

KIND_NAMES = {
    FileKind.IMAGE: "图片", FileKind.VIDEO: "视频", FileKind.AUDIO: "录音", FileKind.PDF: "PDF", FileKind.OFFICE: "文档",
}  # fmt: skip

EXTENSIONS = {
    "jpg": FileKind.IMAGE, "jpeg": FileKind.IMAGE, "png": FileKind.IMAGE, "webp": FileKind.IMAGE, "heic": FileKind.IMAGE,
    "heif": FileKind.IMAGE, "mp4": FileKind.VIDEO, "m4v": FileKind.VIDEO, "mov": FileKind.VIDEO, "webm": FileKind.VIDEO,
    "mp3": FileKind.AUDIO, "m4a": FileKind.AUDIO, "aac": FileKind.AUDIO, "amr": FileKind.AUDIO, "wav": FileKind.AUDIO,
    "ogg": FileKind.AUDIO, "pdf": FileKind.PDF, "docx": FileKind.OFFICE, "xlsx": FileKind.OFFICE,
}  # fmt: skip
"""What a name's ending promises."""

_ALL = frozenset(FileKind)
ALLOWED = {
    FilePurpose.SIGNATURE: frozenset({FileKind.IMAGE}),
    FilePurpose.PHOTO: frozenset({FileKind.IMAGE, FileKind.VIDEO}),
    FilePurpose.BEFORE: frozenset({FileKind.IMAGE, FileKind.VIDEO}),
    FilePurpose.AFTER: frozenset({FileKind.IMAGE, FileKind.VIDEO}),
    FilePurpose.EVIDENCE: _ALL,
    FilePurpose.REPLY: _ALL,
}
"""What each purpose takes."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_PARTS, _UNPACKED = 5_000, 200 * 1024 * 1024
_ACTIVE = ("vbaproject.bin", "vbadata.xml", "/activex/", "/macrosheets/", "oleobject")


class FileUnfit(Invalid):
    """这个文件不能上传"""


@dataclass(frozen=True)
class Recognised:
    """What a file is: its kind, its media type, and the ending that fits it."""

    kind: FileKind
    mime: str
    ending: str


_IMAGES = (
    (b"\xff\xd8\xff", Recognised(FileKind.IMAGE, "image/jpeg", "jpg")),
    (b"\x89PNG\r\n\x1a\n", Recognised(FileKind.IMAGE, "image/png", "png")),
)
_SOUNDS = (
    (b"#!AMR", Recognised(FileKind.AUDIO, "audio/amr", "amr")),
    (b"OggS", Recognised(FileKind.AUDIO, "audio/ogg", "ogg")),
    (b"ID3", Recognised(FileKind.AUDIO, "audio/mpeg", "mp3")),
    (b"\xff\xfb", Recognised(FileKind.AUDIO, "audio/mpeg", "mp3")),
    (b"\xff\xf3", Recognised(FileKind.AUDIO, "audio/mpeg", "mp3")),
    (b"\xff\xf2", Recognised(FileKind.AUDIO, "audio/mpeg", "mp3")),
    (b"\xff\xf1", Recognised(FileKind.AUDIO, "audio/aac", "aac")),
    (b"\xff\xf9", Recognised(FileKind.AUDIO, "audio/aac", "aac")),
)
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "这是旧格式的 Office 文件（.doc、.xls），请另存为 .docx 或 .xlsx 后再上传"),
    (b"GIF8", "不支持 GIF 动图，请用 JPG 或 PNG 图片"),
    (b"BM", "不支持 BMP 图片，请用 JPG 或 PNG 图片"),
    (b"II*\x00", "不支持 TIFF 图片，请用 JPG 或 PNG 图片"),
    (b"MM\x00*", "不支持 TIFF 图片，请用 JPG 或 PNG 图片"),
)
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})

_BRANDS = (b"iso", b"mp4", b"avc", b"m4v", b"3gp", b"msnv", b"dash", b"mmp4", b"f4v")
"""How the brands of MPEG-4 begin."""


def recognise(content: bytes) -> Recognised:
    """Say what a file is; raises FileUnfit with words for what is not taken."""
    for start, found in (*_IMAGES, *_SOUNDS):
        if content.startswith(start):
            return found
    if content[:4] == b"RIFF":
        return _riff(content[8:12])
    if content[4:8] == b"ftyp":
        return _media(content[8:12])
    if content.startswith(b"\x1aE\xdf\xa3") and b"webm" in content[:64]:
        return Recognised(FileKind.VIDEO, "video/webm", "webm")
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    raise FileUnfit(next((words for start, words in _REFUSED if content.startswith(start)), "不支持这种文件格式"))


def check_promise(found: Recognised, *, promised: FileKind, purpose: FilePurpose) -> None:
    """Raise FileUnfit where the content is not what the name promised, or not what the purpose takes."""
    if found.kind is not promised:
        raise FileUnfit(f"文件内容是{KIND_NAMES[found.kind]}，与{KIND_NAMES[promised]}的名称不符，请检查后重新选择")
    if found.kind not in ALLOWED[purpose]:
        raise FileUnfit(f"这里只能上传{'、'.join(KIND_NAMES[kind] for kind in FileKind if kind in ALLOWED[purpose])}")


def _riff(form: bytes) -> Recognised:
    if form == b"WEBP":
        return Recognised(FileKind.IMAGE, "image/webp", "webp")
    if form == b"WAVE":
        return Recognised(FileKind.AUDIO, "audio/wav", "wav")
    raise FileUnfit("不支持这种文件格式")


def _media(brand: bytes) -> Recognised:
    if brand in _HEIC:
        raise FileUnfit("暂不支持 HEIC 照片。请在手机“设置—相机—格式”里选“兼容性最佳”后重拍，或把照片截图后上传")
    if brand.startswith(b"M4A"):
        return Recognised(FileKind.AUDIO, "audio/mp4", "m4a")
    if brand == b"qt  ":
        return Recognised(FileKind.VIDEO, "video/quicktime", "mov")
    if brand.lower().startswith(_BRANDS):
        return Recognised(FileKind.VIDEO, "video/mp4", "mp4")
    raise FileUnfit("不支持这种文件格式")


def _pdf(content: bytes) -> Recognised:
    if b"%%EOF" not in content[-2048:]:
        raise FileUnfit("PDF 文件不完整，请重新导出后上传")
    if b"/JavaScript" in content or b"/Launch" in content:
        raise FileUnfit("PDF 文件里有可执行的内容，请打印为不含脚本的 PDF 后上传")
    return Recognised(FileKind.PDF, "application/pdf", "pdf")


def _office(content: bytes) -> Recognised:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            names = {part.filename.lower() for part in parts}
            if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
                raise FileUnfit("文档展开后太大，请精简后上传")
            if "[content_types].xml" not in names:
                raise FileUnfit("不支持压缩包，请上传图片、PDF、.docx 或 .xlsx")
            with packed.open(next(part for part in parts if part.filename.lower() == "[content_types].xml")) as listed:
                types = listed.read(1024 * 1024).lower()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        raise FileUnfit("文档已损坏，请重新保存后上传") from None
    if b"macroenabled" in types or any(word in f"/{name}" for name in names for word in _ACTIVE):
        raise FileUnfit("文档里有宏或嵌入的程序，请另存为不含宏的 .docx 或 .xlsx 后上传")
    if "word/document.xml" in names:
        return Recognised(FileKind.OFFICE, _OFFICE + "wordprocessingml.document", "docx")
    if "xl/workbook.xml" in names:
        return Recognised(FileKind.OFFICE, _OFFICE + "spreadsheetml.sheet", "xlsx")
    raise FileUnfit("只支持 .docx 和 .xlsx 文档")
