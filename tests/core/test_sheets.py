"""Table files: whatever an office saves is read whole, or it is said which line is wrong."""

import pytest

from app.core.sheets import Row, RowError, Unreadable, cleaned, match_columns, open_sheet

TEXT = "编号,内容\n1,路灯不亮\n2,“水管”漏水\n"


@pytest.fixture
def sheet(tmp_path):
    def read(data):
        file = tmp_path / "file.csv"
        file.write_bytes(data)
        with open_sheet(file) as opened:
            return opened.columns, list(opened.rows), opened.encoding

    return read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_encoding_is_found_out(sheet, encoding, line_end):
    columns, rows, _ = sheet(TEXT.replace("\n", line_end).encode(encoding))
    assert columns == ("编号", "内容")
    assert rows == [Row(2, {"编号": "1", "内容": "路灯不亮"}), Row(3, {"编号": "2", "内容": "“水管”漏水"})]


def test_a_character_across_two_chunks_is_still_utf8(sheet):
    body = "好" * 400_000  # more than one chunk of 1 MiB, and 3 bytes a character never end at its edge
    _, rows, encoding = sheet(f"a,b\n1,{body}\n".encode())
    assert encoding == "utf-8"
    assert rows[0].cells["b"] == body


def test_what_is_no_text_is_refused(sheet):
    with pytest.raises(Unreadable, match="neither UTF-8 nor GB18030"):
        sheet(b"a,b\n\x80\xff\xff,1\n")
    with pytest.raises(Unreadable, match="empty"):
        sheet(b"")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Unreadable, match=r"no\.csv cannot be read"), open_sheet(tmp_path / "no.csv"):
        pass


def test_lines_are_those_of_the_file_even_after_cells_of_several_lines(sheet):
    _, rows, _ = sheet(b'a,b\n1,"x\ny"\n\n2,z\n')
    assert rows == [Row(2, {"a": "1", "b": "x\ny"}), Row(5, {"a": "2", "b": "z"})]


def test_only_line_ends_end_lines(sheet):
    _, rows, _ = sheet("a,b\n1,x\u2028y\x0bz\u0085\n".encode())
    assert rows == [Row(2, {"a": "1", "b": "x\u2028y\x0bz"})]


def test_tabs_and_semicolons_part_cells_too(sheet):
    assert sheet(b"a\tb\n1\t2,3\n")[1] == [Row(2, {"a": "1", "b": "2,3"})]
    assert sheet(b"a;b\n1;2\n")[1] == [Row(2, {"a": "1", "b": "2"})]


def test_short_rows_are_filled_and_long_ones_refused(sheet):
    _, rows, _ = sheet(b"a,b\n1\n1,2,\n1,2,3\n")
    assert rows[0] == Row(2, {"a": "1", "b": ""})
    assert rows[1] == Row(3, {"a": "1", "b": "2"})
    assert rows[2] == RowError(4, "", "3 cells, but the header has 2")


def test_an_unclosed_quotation_mark_swallows_nothing_in_silence(sheet):
    _, rows, _ = sheet(b'a,b\n1,"x\n2,y\n3,z\n')
    assert [type(row) for row in rows] == [RowError]
    assert "lines 2 to 4" in rows[0].message
    _, rows, _ = sheet(b'a,b\n1,"x"y\n2,z\n')
    assert isinstance(rows[0], RowError)
    assert rows[1] == Row(3, {"a": "2", "b": "z"})


KNOWN = {"number": ("留言编号", "编号"), "body": ("留言详情", "内容"), "title": ("主题",)}


def test_columns_are_guessed_by_their_usual_names():
    assert match_columns(["编号", "内 容", "Title"], KNOWN, {}, required=["body"]) == {
        "number": "编号", "body": "内 容", "title": "Title",
    }  # fmt: skip


def test_a_named_column_wins_over_a_guess_and_an_empty_one_leaves_the_field_out():
    columns = ["编号", "内容", "主题", "说明"]
    given = {"body": "说明", "title": ""}
    assert match_columns(columns, KNOWN, given, required=["body"]) == {"number": "编号", "body": "说明"}


@pytest.mark.parametrize(
    ("columns", "given", "words"),
    [
        (["编号"], {}, "No column for body"),
        (["内容"], {"colour": "x"}, "no field “colour”"),
        (["内容"], {"title": "x"}, "no column “x”"),
        (["内容", "内容"], {}, "stands twice"),
    ],
)
def test_unfit_columns_are_named(columns, given, words):
    with pytest.raises(Unreadable, match=words):
        match_columns(columns, KNOWN, given, required=["body"])


def test_control_characters_go_and_are_counted():
    assert cleaned("a\x00b\x07\r\nc\td") == ("ab\nc\td", 2)
    assert cleaned("e\u0301") == ("\u00e9", 0)
