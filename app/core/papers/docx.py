"""Keeps how a paper becomes a Word document, in styles that people may change afterwards."""

from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

PLAIN, STRONG = "宋体", "黑体"
LETTER = 2.0
"""How many letters the first line of a paragraph stands in."""


def write(paper: dict[str, Any]) -> bytes:
    """Give a paper as a .docx."""
    made = Document()
    _styles(made)
    made.core_properties.title = paper["title"]
    made.core_properties.author = ""
    for words, style in ((paper["title"], "Title"), (paper["subtitle"], "Subtitle")):
        made.add_paragraph(words, style=style).alignment = WD_ALIGN_PARAGRAPH.CENTER
    for section in paper["sections"]:
        made.add_paragraph(section["heading"], style="Heading 1")
        for sentence in section["sentences"]:
            made.add_paragraph(sentence).paragraph_format.first_line_indent = Pt(12 * LETTER)
        for table in section["tables"]:
            _table(made, table)
        for note in section["notes"]:
            made.add_paragraph(note, style="Caption")
    made.sections[0].footer.paragraphs[0].text = paper["foot"]
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def _styles(made: Any) -> None:
    page = made.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin, page.right_margin, page.top_margin, page.bottom_margin = Cm(2.7), Cm(2.5), Cm(3), Cm(2.6)
    for name, font, size in (
        ("Normal", PLAIN, 12), ("Title", STRONG, 19), ("Subtitle", PLAIN, 11), ("Heading 1", STRONG, 13), ("Caption", PLAIN, 9),
    ):  # fmt: skip
        style = made.styles[name]
        style.font.name, style.font.size, style.font.italic, style.font.bold = font, Pt(size), False, False
        style.font.color.rgb = None
        for border in style.element.findall(f".//{qn('w:pBdr')}"):
            border.getparent().remove(border)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), font)

    letters = made.styles["Normal"].element.get_or_add_rPr()
    letters.append(letters.makeelement(qn("w:lang"), {qn("w:eastAsia"): "zh-CN", qn("w:val"): "zh-CN"}))


def _table(made: Any, table: dict[str, Any]) -> None:
    if table["caption"]:
        made.add_paragraph(table["caption"]).paragraph_format.keep_with_next = True
    drawn = made.add_table(rows=1, cols=len(table["head"]), style="Table Grid")
    whole = sum(table["widths"])
    for row, words in enumerate([table["head"], *table["rows"]]):
        cells = drawn.rows[0].cells if row == 0 else drawn.add_row().cells
        for cell, word, width in zip(cells, words, table["widths"], strict=True):
            cell.width = Cm(15.8 * width / whole)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(3)
            if row == 0 or cell is not cells[0]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            run = paragraph.add_run(word)
            run.font.size = Pt(10)
            if row == 0:
                run.font.name = STRONG
                run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), STRONG)
    made.add_paragraph()
