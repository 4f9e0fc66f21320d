"""Keeps how a table file is read: its encoding found out, its columns known, each row with the line on which it begins."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

LONGEST_CELL = 16 * 1024 * 1024
CHUNK = 1024 * 1024
DELIMITERS = ",\t;"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_TRIED = ("utf-8", "gb18030")
"""What a file without a mark may be; GB18030 reads GBK and GB2312 too."""


class Unreadable(Exception):
    """The file cannot be read as the table that is wanted; the sentence says why and what to do."""


@dataclass(frozen=True)
class Row:
    """One row: the line on which it begins, and its cells by column, outer blanks dropped; a missing cell is empty."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class RowError:
    """What is wrong with a row: its line, the field (empty where it is the row as such), and a sentence."""

    line: int
    field: str
    message: str


@dataclass(frozen=True)
class Sheet:
    """An open table: its columns in order, its encoding and size in bytes, its rows, and how many bytes were read so far."""

    columns: tuple[str, ...]
    encoding: str
    size: int
    rows: Iterator[Row | RowError]
    position: Callable[[], int]


@contextmanager
def open_sheet(path: Path) -> Iterator[Sheet]:
    """Open a CSV file (comma, tab or semicolon; UTF-8, UTF-16 with its mark, GB18030) and give it as a sheet.

    Rows are read as they are asked for, never the whole file. A row that cannot be taken apart is given as a RowError.
    Raises Unreadable.
    """
    try:
        with path.open("rb") as raw:
            encoding = _encoding_of(iter(lambda: raw.read(CHUNK), b""))
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            yield _sheet(text, encoding, path.stat().st_size, raw.tell)
    except OSError as refusal:
        raise Unreadable(f"{path} cannot be read: {refusal.strerror}.") from refusal


def _encoding_of(chunks: Iterable[bytes]) -> str:
    decoders = {name: codecs.getincrementaldecoder(name)("strict") for name in _TRIED}
    first = True
    for chunk in chunks:
        if first:
            marked = next((name for mark, name in _BOMS if chunk.startswith(mark)), None)
            if marked:
                return marked
            first = False
        for name, decoder in list(decoders.items()):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                del decoders[name]
    for name, decoder in decoders.items():
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Unreadable("The file is neither UTF-8 nor GB18030 (GBK). Save it as “CSV UTF-8”.")


def _sheet(text: TextIO, encoding: str, size: int, position: Callable[[], int]) -> Sheet:
    csv.field_size_limit(LONGEST_CELL)
    lines = iter(text)
    try:
        header = next(lines)
    except StopIteration:
        raise Unreadable("The file is empty.") from None
    except UnicodeError as broken:
        raise Unreadable(f"The file is not the {encoding} that it begins as: {broken}.") from broken
    delimiter = max(DELIMITERS, key=header.count)
    try:
        (cells,) = csv.reader([header], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as broken:
        raise Unreadable(f"The header line cannot be taken apart: {broken}.") from broken
    columns = tuple(cleaned(cell)[0].strip("\ufeff\u200b ") for cell in cells)
    return Sheet(columns, encoding, size, _rows(lines, columns, delimiter), position)


def _rows(lines: Iterator[str], columns: tuple[str, ...], delimiter: str) -> Iterator[Row | RowError]:
    # strict: an unclosed quotation mark would otherwise swallow the rows after it without a word.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2  # the header is line 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as broken:
            last = reader.line_num + 1
            where = f" (lines {line} to {last})" if last > line else ""
            yield RowError(line, "", f"the row cannot be taken apart: {broken}{where}")
            continue
        except UnicodeError as broken:
            yield RowError(line, "", f"the file ends here, it is not in one encoding: {broken}")
            return
        if not any(cells):
            continue
        if any(cells[len(columns) :]):
            yield RowError(line, "", f"{len(cells)} cells, but the header has {len(columns)}")
            continue
        cells += [""] * (len(columns) - len(cells))
        yield Row(line, dict(zip(columns, cells, strict=False)))


def match_columns(
    columns: Sequence[str], known: Mapping[str, Sequence[str]], given: Mapping[str, str], *, required: Iterable[str]
) -> dict[str, str]:
    """Give field → column: as `given` says (an empty column leaves a field out), else by the names that are `known` for it.

    Names are compared without case and blanks. Raises Unreadable when a field or column is unknown or stands twice, or a
    required field has no column.
    """
    for field in given.keys() - known.keys():
        raise Unreadable(f"There is no field “{field}”. Fields: {', '.join(known)}.")
    there = {_plain(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for field, names in known.items():
        wanted = given.get(field)
        if wanted == "":
            continue
        if wanted is not None and _plain(wanted) not in there:
            raise Unreadable(f"There is no column “{wanted}” for {field}. Columns: {', '.join(columns)}.")
        guesses = [there[plain] for name in (field, *names) if (plain := _plain(name)) in there]
        free = [column for column in guesses if column not in found.values()]
        if wanted is not None:
            found[field] = there[_plain(wanted)]
        elif free:
            found[field] = free[0]
    for column in found.values():
        if columns.count(column) > 1:
            raise Unreadable(f"The column “{column}” stands twice.")
    missing = [field for field in required if field not in found]
    if missing:
        raise Unreadable(f"No column for {', '.join(missing)}. Columns: {', '.join(columns)}. Say which with --map field=COLUMN.")
    return found


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def cleaned(text: str) -> tuple[str, int]:
    """Give a text in NFC with plain line ends, and how many control characters were taken out of it (no database keeps NUL)."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(character for character in text if character in "\n\t" or unicodedata.category(character) != "Cc")
    return kept, len(text) - len(kept)
