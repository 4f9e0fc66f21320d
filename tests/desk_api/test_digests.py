"""Digests at the door: as data, as PDF, as Word document; words of people are never read as mark-up."""

import io
import re
import zipfile

import docx

from app.core.papers.paper import Format, Paper, PaperSection, PaperTable, typeset


def get(desk, login, path="", *, expect=200, **query):
    answer = desk(login).get(f"/digests{path}", **{"every": "weekly", **query})
    assert answer.status_code == expect, answer.text
    return answer


def test_the_supervisor_reads_the_week_of_the_county(desk):
    told = get(desk, "sun").json
    assert (told["unit"], told["span"][:12]) == ("云溪县", "2026 年第 47 周")
    assert {line["name"] for line in told["places"]} == {"柳河镇", "石桥镇", "云溪街道"}
    assert next(figure for figure in told["figures"] if figure["code"] == "satisfaction")["percent"] is None


def test_another_unit_is_not_found_and_a_wrong_day_is_named(desk, cast):
    assert get(desk, "tong", unit=cast.units["石桥镇"].code, expect=404).json["code"] == "digest_unit_not_found"
    assert "day" in get(desk, "sun", day="2026-13-01", expect=422).json["errors"]
    assert "day" in get(desk, "sun", day="2027-06-01", expect=422).json["errors"]
    assert "every" in get(desk, "sun", every="daily", expect=422).json["errors"]


def test_the_pdf_is_a_pdf_with_its_fonts_inside(desk):
    answer = get(desk, "sun", "/paper.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="weekly-digest.pdf"'
    assert answer.data.startswith(b"%PDF-")
    assert b"NotoSerifSC" in answer.data


def test_the_word_document_tells_the_same(desk):
    answer = get(desk, "sun", "/paper.docx", every="monthly")
    made = docx.Document(io.BytesIO(answer.data))
    words = [paragraph.text for paragraph in made.paragraphs]
    assert words[0] == "云溪县民生诉求月研判"
    assert "一、入户走访" in words
    assert any("满意率" in cell.text for table in made.tables for row in table.rows for cell in row.cells)


NASTY = "#emph[柳河镇] *x* <b>&amp; $1+1$ \\u{1} =SUM(A1)"


def test_words_are_set_as_they_stand():
    section = PaperSection("一、走访", (NASTY,), (PaperTable(("名称", "数"), ((NASTY, "1"),), (2, 1)),), (NASTY,))
    paper = Paper("标题", "副题", (section,), NASTY)
    assert typeset(paper, Format.PDF).startswith(b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(typeset(paper, Format.DOCX))) as parts:
        xml = parts.read("word/document.xml").decode()
    assert docx.Document(io.BytesIO(typeset(paper, Format.DOCX))).tables[0].rows[1].cells[0].text == NASTY
    assert "<b>" not in re.sub(r"<w:b\b[^>]*>", "", xml)
