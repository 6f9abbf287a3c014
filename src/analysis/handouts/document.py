"""An official document as a Word file: its page, styles, tables and figures; nothing of what it says.

The layout is of Decree 30/2020 (A4, margins, national header, Times New Roman). Every look is a
named style, so that an office changes it in one place.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table
from matplotlib.figure import Figure

from analysis.problems import is_unprintable
from analysis.tables.peoples_text import Paragraph, Run

_FONT = "Times New Roman"
_HEIGHT, _WIDTH = 297, 210
_TOP = _BOTTOM = 20
_LEFT, _RIGHT = 30, 15
#: What is left of a page's width, upright and on its side.
_UPRIGHT, _ACROSS = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _LEFT - _RIGHT
_DPI = 200
#: What a cell keeps free on its left and right together; a wider picture is cut off there.
_PADDING = 4


class _Look(NamedTuple):
    """How a style looks: sizes in points, the indent of the first line in millimetres."""

    size: float
    bold: bool = False
    italic: bool = False
    align: Any = ALIGN.LEFT
    before: float = 0
    after: float = 0
    indent: float = 0
    keep: bool = False
    new_page: bool = False


#: The document's styles by name. Those with English names are Word's own: its navigation reads them.
_LOOKS = {
    "BC Cơ quan cấp trên": _Look(12, align=ALIGN.CENTER),
    "BC Cơ quan ban hành": _Look(12, bold=True, align=ALIGN.CENTER),
    "BC Quốc hiệu": _Look(12, bold=True, align=ALIGN.CENTER),
    "BC Tiêu ngữ": _Look(13, bold=True, align=ALIGN.CENTER),
    "BC Số ký hiệu": _Look(13, align=ALIGN.CENTER),
    "BC Địa danh ngày tháng": _Look(13, italic=True, align=ALIGN.CENTER),
    "BC Dự thảo": _Look(13, bold=True, align=ALIGN.CENTER, before=6),
    "BC Tên loại": _Look(14, bold=True, align=ALIGN.CENTER, before=12, keep=True),
    "BC Trích yếu": _Look(14, bold=True, align=ALIGN.CENTER, after=6),
    "BC Căn cứ": _Look(14, italic=True, align=ALIGN.JUSTIFY, after=6, indent=10),
    "BC Lưu ý": _Look(12, italic=True, align=ALIGN.CENTER, after=6),
    "Heading 1": _Look(14, bold=True, before=12, after=6, indent=10, keep=True),
    "Heading 2": _Look(14, bold=True, before=6, after=6, indent=10, keep=True),
    "Heading 3": _Look(14, bold=True, italic=True, before=6, after=6, indent=10, keep=True),
    "BC Phụ lục": _Look(14, bold=True, align=ALIGN.CENTER, after=6, keep=True, new_page=True),
    "BC Nội dung": _Look(14, align=ALIGN.JUSTIFY, after=6, indent=10),
    "Caption": _Look(13, bold=True, align=ALIGN.CENTER, before=6, after=4, keep=True),
    "BC Hình": _Look(12, align=ALIGN.CENTER, after=6),
    "BC Đầu bảng": _Look(12, bold=True, align=ALIGN.CENTER, keep=True),
    "BC Ô bảng": _Look(12),
    "BC Ô số": _Look(12, align=ALIGN.RIGHT),
    "BC Nơi nhận": _Look(11),
    "BC Chữ ký": _Look(14, bold=True, align=ALIGN.CENTER),
    "Header": _Look(13, align=ALIGN.CENTER),
    "Footer": _Look(9, italic=True, align=ALIGN.CENTER),
}


class WordFile:
    """A document under construction; ``day`` is its date by the file's properties.

    The same input makes the same bytes.
    """

    def __init__(self, title: str, author: str, day: datetime, lang: str) -> None:
        self._docx = docx.Document()
        facts = self._docx.core_properties
        facts.title, facts.author, facts.last_modified_by = _clean(title), _clean(author), ""
        facts.created = facts.modified = day
        facts.language, facts.comments = lang, ""
        self._width = _UPRIGHT
        _set_styles(self._docx, {"vi": "vi-VN", "en": "en-GB"}.get(lang, lang))
        section = self._docx.sections[0]
        section.page_width, section.page_height = Mm(_WIDTH), Mm(_HEIGHT)
        section.top_margin, section.bottom_margin = Mm(_TOP), Mm(_BOTTOM)
        section.left_margin, section.right_margin = Mm(_LEFT), Mm(_RIGHT)
        section.header_distance = section.footer_distance = Mm(10)
        section.different_first_page_header_footer = True  # the first page has no number
        _add_field(section.header.paragraphs[0], "PAGE")

    def mark(self, text: str) -> None:
        """Write a text at the foot of every page."""
        section = self._docx.sections[0]  # later ones have its foot too
        for foot in (section.footer, section.first_page_footer):
            _set_style(foot.paragraphs[0], "Footer")
            foot.paragraphs[0].add_run(_clean(text))

    def letterhead(
        self, superior: str, issuer: str, number: str, draft: str, state: Sequence[str], place: str
    ) -> None:
        """Write who issues the document, beside the state's name and motto, the place and the day."""
        left, right = self._side_by_side(70, _UPRIGHT - 70)
        if superior:
            _write(left, superior.upper(), "BC Cơ quan cấp trên")
        _write(left, issuer.upper(), "BC Cơ quan ban hành")
        _rule(left, 70 / 3)
        _write(left, number, "BC Số ký hiệu")
        _border(_write(left, draft, "BC Dự thảo"), 18, "top", "left", "bottom", "right")
        _write(right, state[0], "BC Quốc hiệu")
        for line in state[1:]:
            _write(right, line, "BC Tiêu ngữ")
        _rule(right, 20)
        _write(right, place, "BC Địa danh ngày tháng")

    def write(self, text: str, style: str = "BC Nội dung") -> None:
        """Write a paragraph in one of the document's styles."""
        _write(self._docx, text, style)

    def heading(self, text: str, level: int = 1) -> None:
        """Write a heading of level 1 to 3."""
        self.write(text, f"Heading {level}")

    def item(self, title: str, text: str) -> None:
        """Write an item of a list: what it is about in italics, then what is said of it."""
        lead = (Run("- "), Run(f"{title}: ", is_italic=True)) if title else (Run("- "),)
        self._write_runs((*lead, Run(text)))

    def statement(self, blocks: Sequence[Paragraph]) -> None:
        """Write what people have written: paragraphs and lists, bold and italics kept."""
        numbers: dict[int, int] = {}
        for block in blocks:
            numbers = {level: n for level, n in numbers.items() if level <= block.level}
            mark = ""
            if block.kind == "number":
                numbers[block.level] = numbers.get(block.level, 0) + 1
                mark = f"{numbers[block.level]}. "
            elif block.kind == "bullet":
                mark = "- " if block.level < 2 else "+ "
            else:
                numbers = {}
            self._write_runs((Run(mark), *block.runs))

    def _write_runs(self, runs: Sequence[Run]) -> None:
        paragraph = self._docx.add_paragraph()
        _set_style(paragraph, "BC Nội dung")
        for run in runs:
            if run.text:
                written = paragraph.add_run(_clean(run.text))
                # Only what differs from the style is the run's own.
                written.bold, written.italic = run.is_bold or None, run.is_italic or None

    def table(
        self,
        caption: str,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        shares: Sequence[float],
        numeric: Sequence[int] = (),
    ) -> None:
        """Write a table whose header comes again on every page.

        A row of one text is a heading across it; ``shares`` are each column's of the page's width,
        ``numeric`` the places of the columns of numbers.
        """
        self.write(caption, "Caption")
        table = self._docx.add_table(1, len(header), "Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        widths = [Mm(self._width * share / sum(shares)) for share in shares]
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        _fill(table.rows[0], header, ["BC Đầu bảng"] * len(header), widths)
        _flag(table.rows[0], "w:tblHeader")
        styles = ["BC Ô số" if i in numeric else "BC Ô bảng" for i in range(len(header))]
        for texts in rows:
            row = table.add_row()
            _flag(row, "w:cantSplit")
            if len(texts) == 1:
                _write(row.cells[0].merge(row.cells[-1]), texts[0], "BC Đầu bảng")
            else:
                _fill(row, texts, styles, widths)

    def figure(self, caption: str, drawings: Sequence[tuple[str, Figure]], width: float) -> None:
        """Put in drawings as pictures side by side, at most so many millimetres wide, with alt texts."""
        self.write(caption, "Caption")
        place = _UPRIGHT / len(drawings)
        cells = self._side_by_side(*[place] * len(drawings))
        width = min(width, place - _PADDING)
        for cell, (alt, drawing) in zip(cells, drawings, strict=True):
            buffer = io.BytesIO()
            plain = {"Software": None}  # the same drawing, the same bytes
            drawing.savefig(buffer, format="png", dpi=_DPI, facecolor="white", metadata=plain)
            picture = _write(cell, "", "BC Hình").add_run().add_picture(buffer, width=Mm(width))
            # python-docx has no other way.
            picture._inline.docPr.set("descr", _clean(alt))
            for side in ("distT", "distB", "distL", "distR"):
                picture._inline.set(side, "0")  # where nothing is said, LibreOffice keeps 3 mm free

    def signatures(self, heading: str, recipients: Sequence[str], signer: Sequence[str]) -> None:
        """Write who receives the document, beside who signs it; never alone on a sheet."""
        *_, last = self._docx.iter_inner_content()
        self.write("")  # Word would join two tables that touch
        cells = last.rows[-1].cells if isinstance(last, Table) else ()
        ends = [p for cell in cells for p in cell.paragraphs] or [last]
        for paragraph in (*ends, self._docx.paragraphs[-1]):
            paragraph.paragraph_format.keep_with_next = True
        left, right = self._side_by_side(80, _UPRIGHT - 80)
        named = _write(left, heading, "BC Nơi nhận")
        for run in named.runs:
            run.bold = run.italic = True
        for place, line in enumerate(recipients, 1):
            _write(left, f"- {line}{'.' if place == len(recipients) else ';'}", "BC Nơi nhận")
        for line in signer:
            _write(right, line, "BC Chữ ký")

    def appendix(self, number: str, title: str) -> None:
        """Begin a page on its side, with a heading."""
        if self._width == _UPRIGHT:
            section = self._docx.add_section(WD_SECTION.NEW_PAGE)
            section.orientation = WD_ORIENT.LANDSCAPE
            section.page_width, section.page_height = Mm(_HEIGHT), Mm(_WIDTH)
            section.different_first_page_header_footer = False
            self._width = _ACROSS
        self.write(f"{number}. {title}", "BC Phụ lục")

    def _side_by_side(self, *widths: float) -> list[Any]:
        table = self._docx.add_table(1, len(widths))
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        _flag(table.rows[0], "w:cantSplit")  # a name never stands on another page than its office
        cells = list(table.rows[0].cells)
        for column, cell, width in zip(table.columns, cells, widths, strict=True):
            column.width = cell.width = Mm(width)
        return cells

    def to_bytes(self) -> bytes:
        """Return the file: the same document, the same bytes.

        Examples
        --------
        >>> made = [WordFile("a", "b", datetime(2024, 11, 30), "vi").to_bytes() for _ in "12"]
        >>> made[0] == made[1], made[0][:2]
        (True, b'PK')
        """
        text = self._docx.element.xml.encode()
        self._docx.core_properties.identifier = hashlib.sha256(text).hexdigest()
        buffer, fixed = io.BytesIO(), io.BytesIO()
        self._docx.save(buffer)
        with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(fixed, "w") as kept:
            for name in made.namelist():
                entry = zipfile.ZipInfo(name)  # of the first day that a zip file knows
                entry.compress_type = zipfile.ZIP_DEFLATED
                kept.writestr(entry, made.read(name))
        return fixed.getvalue()


def is_edited(path: Path) -> bool:
    """Tell whether somebody has changed a document since it was made here."""
    try:
        found = docx.Document(str(path))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return True
    text = found.element.xml.encode()
    return bool(found.core_properties.identifier != hashlib.sha256(text).hexdigest())


def _clean(text: str) -> str:
    """Leave out what a Word file cannot hold."""
    return "".join(sign for sign in text if not is_unprintable(sign) and sign not in "\ufffe\uffff")


def _write(place: Any, text: str, style: str) -> Any:
    """Write a paragraph; a new cell has an empty one already."""
    is_fresh = hasattr(place, "_tc") and not place.paragraphs[-1].text and len(place.paragraphs) < 2
    paragraph = place.paragraphs[0] if is_fresh else place.add_paragraph()
    _set_style(paragraph, style)
    paragraph.add_run(_clean(text))
    return paragraph


def _set_style(paragraph: Any, name: str) -> None:
    """Give a paragraph a style by its id, which is the name without spaces.

    By its name, python-docx would go through all styles for every cell of a table.
    """
    paragraph._p.style = name.replace(" ", "")


def _fill(row: Any, texts: Sequence[str], styles: Sequence[str], widths: Sequence[Any]) -> None:
    for cell, text, style, width in zip(row.cells, texts, styles, widths, strict=True):
        cell.width = width
        _write(cell, text, style)


def _flag(row: Any, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _border(paragraph: Any, inset: float, *sides: str) -> Any:
    """Draw lines beside a paragraph, so many millimetres in from its cell's edges."""
    borders = OxmlElement("w:pBdr")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for key, value in {"val": "single", "sz": "6", "space": "1", "color": "auto"}.items():
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    # Word asks for its own order.
    after = ("w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    paragraph._p.get_or_add_pPr().insert_element_before(borders, *after)
    look = paragraph.paragraph_format
    look.left_indent = look.right_indent = Mm(inset)
    return look


def _rule(cell: Any, inset: float) -> None:
    """Draw the line below a name."""
    look = _border(cell.add_paragraph(), inset, "top")
    look.line_spacing, look.space_after = Pt(3), Pt(3)


def _add_field(paragraph: Any, code: str) -> None:
    """Write what Word computes itself, as the page's number."""
    for kind, text in (("begin", ""), ("", code), ("end", "")):
        run = paragraph.add_run()
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        part.text = text
        run._r.append(part)


def _set_styles(document: Any, lang: str) -> None:
    styles = document.styles
    _set_font(styles["Normal"], 14)
    styles["Normal"].paragraph_format.space_after = Pt(0)
    language = styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    if language is not None:
        language.set(qn("w:val"), lang)
    for name, look in _LOOKS.items():
        if name in styles:
            style = styles[name]
        else:
            style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            style.base_style, style.quick_style = styles["Normal"], True
        _set_font(style, look.size)
        style.font.bold, style.font.italic = look.bold, look.italic
        placed = style.paragraph_format
        placed.alignment, placed.keep_with_next = look.align, look.keep
        placed.page_break_before = look.new_page
        placed.space_before, placed.space_after = Pt(look.before), Pt(look.after)
        placed.first_line_indent, placed.line_spacing = Mm(look.indent), 1.0


def _set_font(style: Any, size: float) -> None:
    style.font.name, style.font.size = _FONT, Pt(size)
    style.font.color.rgb = RGBColor(0, 0, 0)
    fonts = style.element.rPr.rFonts
    for key in list(fonts.attrib):
        del fonts.attrib[key]  # a theme's font would win
    for key in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{key}"), _FONT)
