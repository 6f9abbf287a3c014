"""Workbooks as people send them: what is shown is compared with what is stored, whoever wrote the file."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import openpyxl
import pytest
import xlsxwriter
import xlwt
from cases import CASES, mail_for, store_for
from conftest import Run
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from test_intake_files import (
    GOOD,
    HEADINGS,
    ODS_HEAD,
    ODS_ROW,
    as_xls,
    ods,
    ods_row,
    ods_text,
    only_problem,
    read,
    replace_in_zip,
    workbook,
)

from analysis.intake import write_error_lists
from analysis.intake.sheets import Marks, is_plain, look_of
from analysis.intake.workbooks import scan
from analysis.problems import InputError, Problem, error

SHEET = "xl/worksheets/sheet1.xml"
FORM = CASES / "00-control" / "in" / "DN-DABAN_CDCS-Cong-ty-TNHH-MTV-Nong-san-Da-Ban_2025.xlsx"


def found_in(name: str) -> list[tuple[str, str, str]]:
    """The problems of a case's only file, without its folder."""
    (path,) = sorted(CASES.glob(name))
    _, problems = read(path.name, path.read_bytes())
    return [(one.severity, one.code, one.cell) for one in problems]


# The cases


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("00-control/in/*", []),
        ("01-percent-100/in/*", [("error", "other_look", "D21"), ("error", "other_look", "D22")]),
        ("01-percent-100b/in/*", [("error", "other_look", "C2")]),
        (
            "02-formula-zero/in/*",
            [("error", "formula_without_value", cell) for cell in ("C2", "E2", "F2", "G2")],
        ),
        ("06-strike/in/*", [("warning", "struck", "D21"), ("warning", "struck", "D48")]),
        ("08-rows-without-r/in/*", [("error", "hidden", "A3")]),
        (
            "08-single-quotes/in/*",
            [
                ("error", "error_cell", "D22"),
                ("error", "formula_without_value", "D21"),
                ("error", "hidden", "D30"),
            ],
        ),
        ("09-xls-1904/in/*", [("error", "date_1904", "")]),
        ("14-very-hidden/in/*", [("error", "hidden", "")]),
        ("17-iso-date/in/*", []),
        ("32-lo-xls/in/*", []),
        ("33h-form-row-id-deleted/in/*", [("error", "no_column", "")]),
        ("dakrong/30-pct100.xlsx", [("error", "other_look", "D21")]),
        ("dakrong/30-swap.xlsx", [("error", "other_label", cell) for cell in ("B45", "B46")]),
        (
            "dakrong/30-dvt.xlsx",
            [("error", "other_unit", f"C{row}") for row in range(45, 50)],
        ),
    ],
)
def test_what_each_workbook_is_told(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert found_in(name) == expected


def test_line_breaks_of_excel_are_line_breaks() -> None:
    (path,) = (CASES / "05-x000d" / "in").iterdir()
    delivery, problems = read(path.name, path.read_bytes())
    assert delivery is not None
    assert problems == []
    note = {one.table: one.text for one in delivery.records}["returns"]["note"].item()
    assert "_x000" not in note
    assert len(note.splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("01-percent-100/in/*", "«100%»"),
        ("14-very-hidden/in/*", "LibreOffice"),
        ("33h-form-row-id-deleted/in/*", "«Mã CĐCS»"),
        ("dakrong/30-dvt.xlsx", "«đồng»"),
    ],
)
def test_the_message_says_what_is_seen_and_what_to_do(name: str, told: str) -> None:
    (path,) = CASES.glob(name)
    assert all(told in one.message for one in read(path.name, path.read_bytes())[1])


def test_one_person_of_fifty_is_asked_about(congdoan: Callable[..., Run], tmp_path: Path) -> None:
    """ "100%" typed into a cell for whole numbers: only the number beside it tells."""
    data = store_for("dakrong", tmp_path)
    form = CASES / "dakrong" / "31-go-100-phan-tram.xlsx"
    done = congdoan("import", form, "--year", 2024, "--data", data, "--errors", tmp_path / "e")
    lines = [line for line in (done.out + done.err).splitlines() if "có phải đã gõ 100%" in line]
    assert [cell for cell in ("D21", "D22") if any(f"ô {cell}" in line for line in lines)] == [
        *("D21", "D22")
    ]


# What a number looks like


@pytest.mark.parametrize(
    ("value", "code", "text", "is_same"),
    [
        (1, "0%", "100%", False),
        (0.857, "0.0%", "85,7%", False),
        (48_000_000, "#,##0.0,,", "48,0", False),
        (48_000_000, '#,##0.0,," triệu đồng"', "48,0 triệu đồng", False),
        (48_000, "#,##0,", "48", False),
        (0, "#,###", "", False),
        (0, "0;-0;;@", "", False),
        (5, ";;;", "", False),
        (5, '"có"', "có", False),
        (4, '0"00"', "400", True),  # but the words are no unit
        (5_000_000, '[>=1000000]0.0,,"tr";0', "5,0tr", False),
        (5, "0;[<9]0", "5", False),  # which of the two is shown is not looked up
        (12, '0" người"', "12 người", True),
        (48, "#.##0 ₫", "48,0 ₫", True),
        (0, '_(* #,##0_);_(* \\(#,##0\\);_(* "-"??_);_(@_)', "-", True),
        (1234, "# ##0", "1234", True),
        (2, "[Red]0.00E+00", "2,00", True),
    ],
)
def test_looks(value: float, code: str, text: str, is_same: bool) -> None:
    look = look_of(value, code)
    assert look.is_same is is_same
    assert not is_plain(code) or (is_same and look.words == "")
    assert text in (look.text, look.text.replace("0 ₫", " ₫"))


def looks_in(kind: str, value: object, code: str, place: int = 2) -> list[Problem]:
    """What is said of a number under a format in a table of returns."""
    letter = get_column_letter(place + 1)
    if kind == "xlsx":

        def put(page: Worksheet) -> None:
            page[f"{letter}2"] = value
            page[f"{letter}2"].number_format = code

        content = workbook(put)
    else:
        style = xlwt.easyxf(num_format_str=code)
        content = as_xls([HEADINGS, *GOOD], lambda page: page.write(1, place, value, style))  # type: ignore[attr-defined]
    return read(f"b.{kind}", content)[1]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
@pytest.mark.parametrize(
    ("value", "code", "place", "is_refused"),
    [
        (1, "0%", 2, True),
        (1, "0.00%", 5, True),
        (1, "0%", 3, True),  # in a line for yes or no
        (48, '#,##0.0" triệu đồng"', 5, True),
        (48_000_000, "#,##0.0,,", 5, True),
        (48_000, "#,##0,", 5, True),
        (12, '0" nghìn"', 2, True),
        (12, '0" đồng"', 2, True),
        (0, "#,###", 2, True),
        (5, ";;;", 2, True),
        (12, '0" người"', 2, False),
        (48_000_000, '#,##0 "đồng"', 5, False),
        (48_000_000, "#.##0 ₫", 5, False),
        (48_000_000, "[$₫-42A]#,##0", 5, False),
        (12, "0000", 2, False),
        (0, '_(* #,##0_);_(* \\(#,##0\\);_(* "-"??_);_(@_)', 2, False),
    ],
)
def test_a_number_that_looks_otherwise_is_refused(
    kind: str, value: float, code: str, place: int, is_refused: bool
) -> None:
    cells = [one.cell for one in looks_in(kind, value, code, place)]
    assert cells == ([f"{get_column_letter(place + 1)}2"] if is_refused else [])


def test_of_a_look_that_depends_on_a_condition_nothing_is_claimed() -> None:
    (problem,) = looks_in("xlsx", 12, "[>100]0;0")
    assert problem.code == "other_look"
    assert "ô hiện «" not in problem.message


def test_a_share_may_be_shown_as_a_percentage() -> None:
    def lineage(page: Worksheet) -> None:
        page.delete_rows(1, 5)
        page.append(["Ngày", "Sự kiện", "Mã CĐCS trước", "Mã CĐCS sau", "Tỷ phần"])
        page.append(["15/08/2024", "Chia, tách", "TH-A", "TH-B", 0.5])
        page["E2"].number_format = "0%"

    delivery, problems = read("b.xlsx", workbook(lineage))
    assert problems == []
    assert delivery is not None
    assert delivery.records[0].text["share"].tolist() == ["0.5"]


STYLES = (
    '<style:style style:name="base" style:family="table-cell"><style:text-properties '
    'style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="ce1" style:family="table-cell" style:parent-style-name="base"/>'
)


@pytest.mark.parametrize(
    ("shown", "value", "more", "expected"),
    [
        ("100%", "1", "", "other_look"),
        ("48,0", "48000", "", "other_look"),
        ("", "1", "", "other_look"),  # shown as nothing
        ("12 nghìn", "12", "", "other_look"),
        ("12 người", "12", "", ""),
        ("1.200", "1200", "", ""),
        ("1 200,0", "1200", "", ""),
        ("13", "12.5", "", "fraction"),  # rounded; what it is, is told elsewhere
        ("-", "0", "", ""),
        ("1", "1", 'table:style-name="ce1"', "struck"),
        ("1", "1", "", ""),
    ],
)
def test_looks_of_open_document_cells(shown: str, value: str, more: str, expected: str) -> None:
    kind = 'office:value-type="float"'
    cell = f'<table:table-cell {kind} office:value="{value}" {more}><text:p>{shown}</text:p></table:table-cell>'
    _, problems = read("b.ods", ods(ODS_HEAD + ods_row(*ODS_ROW, cell), styles=STYLES))
    assert [one.code for one in problems] == ([expected] if expected else [])


def test_a_percentage_and_the_look_of_a_column_are_seen_in_open_documents() -> None:
    cell = '<table:table-cell office:value-type="percentage" office:value="1"/>'
    columns = (
        '<table:table-column table:number-columns-repeated="2"/>'
        '<table:table-column table:default-cell-style-name="ce1"/>'
    )
    _, problems = read("b.ods", ods(ODS_HEAD + ods_row(*ODS_ROW, cell), columns, STYLES))
    assert [(one.code, one.cell) for one in problems] == [("other_look", "C2"), ("struck", "C2")]


def test_identical_cells_side_by_side_are_each_looked_at() -> None:
    """Programs write cells and rows that are the same only once."""
    head = ods_row(*map(ods_text, ("year", "unit_id", "informed", "resolution_informed")))
    cell = (
        '<table:table-cell office:value-type="percentage" office:value="1" '
        'table:number-columns-repeated="2"/>'
    )
    _, problems = read("b.ods", ods(head + ods_row(*ODS_ROW, cell)))
    assert [one.cell for one in problems if one.code == "other_look"] == ["C2", "D2"]


# Formulas


def computed(**settings: object) -> bytes:
    """A table by XlsxWriter with a formula in C2, an array in C3."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    page = book.add_worksheet("S")
    page.write_row(0, 0, HEADINGS)
    for number, row in enumerate(GOOD, start=1):
        page.write_row(number, 0, [x for x in row[:7]])
    page.write_formula("C2", "=6*7", **settings)
    page.write_array_formula("C3:C3", "{=SUM(F2:F3*1)}", **settings)
    book.close()
    return buffer.getvalue()


def test_formulas_that_a_library_left_to_be_computed_have_no_value() -> None:
    cells = [one.cell for one in read("b.xlsx", computed())[1] if one.severity == "error"]
    assert cells == ["C2", "C3"]


def test_computed_formulas_are_read() -> None:
    content = computed(value=42)
    delivery, problems = read("b.xlsx", content)
    assert delivery is not None
    assert problems == []
    assert delivery.records[0].text["informed"].tolist() == ["42", "42"]
    # Excel has computed the zeros of a file that it saved: it asks for nothing when it is opened.
    zero = replace_in_zip(computed(), "xl/workbook.xml", b' fullCalcOnLoad="1"', b"")
    assert read("b.xlsx", zero)[1] == []


# Whoever wrote the file


def spoken_otherwise(content: bytes, prefix: str, quote: str, reverse: bool, has_r: bool) -> bytes:
    """The same sheet as another program would write it."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with_relations = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'

    def write(item: ElementTree.Element, top: bool = False) -> str:
        name = prefix + item.tag.rpartition("}")[2]
        pairs = [
            (f"r:{key.rpartition('}')[2]}" if "}" in key else key, text)
            for key, text in item.items()
            if has_r or key != "r"
        ]
        written = [f"{key}={quote}{escape(text, {quote: '&quot;'})}{quote}" for key, text in pairs]
        if reverse:
            written.reverse()
        if top:
            own = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
            written += [f'{own}="{space}"', with_relations]
        inside = escape(item.text or "") + "".join(map(write, item))
        return f"<{' '.join([name, *written])}>{inside}</{name}>"

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        old = archive.read(SHEET)
    return replace_in_zip(content, SHEET, old, write(ElementTree.fromstring(old), True).encode())


CODES = ("General", "#,##0", "0%", "#,##0.0,,", '0" người"', "0.00")


def random_book(chance: random.Random) -> bytes:
    def fill(page: Worksheet) -> None:
        page.delete_rows(1, 9)
        for row in range(1, 9):
            for column in range(1, 7):
                cell = page.cell(row, column)
                kind = chance.choice(("number", "number", "text", "formula", "error"))
                cell.value = {
                    "number": chance.randrange(9),
                    "text": "a<b&'\"",
                    "formula": "=1+1",
                }.get(kind, "#REF!")
                if kind == "error":
                    cell.data_type = "e"
                cell.number_format = chance.choice(CODES)
                cell.font = Font(strike=chance.random() < 0.2)
                if chance.random() < 0.1:
                    cell.comment = Comment("đã gồm tổ 3", "Hoa")
            page.row_dimensions[row].hidden = chance.random() < 0.3
        for column in range(1, 7):
            page.column_dimensions[get_column_letter(column)].hidden = chance.random() < 0.3

    return workbook(fill)


def as_openpyxl_sees(content: bytes) -> Marks:
    (page,) = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    marks = Marks()
    for row in page.iter_rows():
        for cell in row:
            at = (cell.row - 1, cell.column - 1)
            if cell.data_type == "f":
                marks.no_value.add(at)
            if cell.data_type == "e":
                marks.errors[at] = str(cell.value)
            if cell.data_type in ("n", "f") and not is_plain(cell.number_format):
                marks.formats[at] = cell.number_format
            if cell.font.strike:
                marks.struck.add(at)
            if cell.comment:
                marks.notes[at] = cell.comment.text
    marks.hidden_rows = {n - 1 for n, about in page.row_dimensions.items() if about.hidden}
    for about in page.column_dimensions.values():
        if about.hidden:
            marks.hidden_columns |= set(range(about.min - 1, about.max))
    return marks


@pytest.mark.parametrize("seed", range(24))
def test_the_marks_of_any_writer_are_those_that_openpyxl_sees(seed: int) -> None:
    chance = random.Random(seed)
    content = random_book(chance)
    expected = as_openpyxl_sees(content)
    style = (chance.choice(("", "x:")), chance.choice("'\""), chance.random() < 0.5)
    changed = spoken_otherwise(content, *style, has_r=chance.random() < 0.5)
    assert scan("xlsx", content)["Số liệu"] == expected
    assert scan("xlsx", changed)["Số liệu"] == expected


@pytest.mark.parametrize("style", [("x:", "'", True, True), ("", '"', False, False)])
def test_figures_of_any_writer_are_read(style: tuple[str, str, bool, bool]) -> None:
    def fill(page: Worksheet) -> None:
        page["G3"] = "Đủ"  # no gap, so that addresses may be left to be counted

    delivery, problems = read("b.xlsx", spoken_otherwise(workbook(fill), *style))
    assert problems == []
    assert delivery is not None
    assert delivery.records[0].text["informed"].tolist() == ["12", "40"]
    assert delivery.records[0].text["new_members"].tolist() == ["3", "0"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="3"', b'<row r="3" ht="0" customHeight="1"'),
        (b'<row r="3"', b"<row r='3' hidden='true'"),
    ],
)
def test_rows_without_height_are_hidden(old: bytes, new: bytes) -> None:
    problem = only_problem("b.xlsx", replace_in_zip(workbook(), SHEET, old, new))
    assert (problem.code, problem.cell) == ("hidden", "A3")


def test_letters_struck_out_within_a_text_are_asked_about() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    page = book.add_worksheet("S")
    page.write_row(0, 0, HEADINGS)
    page.write_row(1, 0, GOOD[0])
    page.write_rich_string("C2", book.add_format({"font_strikeout": True}), "30", "25")
    book.close()
    problem = only_problem("b.xlsx", buffer.getvalue())
    assert (problem.code, problem.cell, problem.value) == ("struck", "C2", "3025")


def test_a_workbook_in_strict_xml_or_unsound_is_never_half_read() -> None:
    """What the parser of the marks does not take is refused, whatever the reader of values makes of it."""
    broken = replace_in_zip(workbook(), SHEET, b"</sheetData>", b"</sheetdata>")
    assert only_problem("b.xlsx", broken).code == "truncated"


def test_old_workbooks_tell_struck_figures() -> None:
    style = xlwt.easyxf("font: struck_out on")
    content = as_xls([HEADINGS, *GOOD], lambda page: page.write(1, 2, 12, style))  # type: ignore[attr-defined]
    assert [(one.severity, one.code, one.cell) for one in read("b.xls", content)[1]] == [
        ("warning", "struck", "C2")
    ]


# Forms


def form(change: Callable[[Worksheet], object]) -> bytes:
    book = openpyxl.load_workbook(FORM)
    change(book["Báo cáo"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def told(content: bytes) -> list[tuple[str, str]]:
    return [(one.code, one.cell) for one in read("DN-DABAN_2025.xlsx", content)[1]]


def put(**cells: object) -> Callable[[Worksheet], object]:
    def change(page: Worksheet) -> None:
        for name, value in cells.items():
            page[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put(B21="Số người  được tuyên truyền "), []),
        (put(B21="Số lượt người được tuyên truyền"), [("other_label", "B21")]),
        (put(B21=None), [("other_label", "B21")]),
        (put(B9="Địa chỉ"), [("other_label", "B9")]),
        (put(C21="lượt"), [("other_unit", "C21")]),
        (put(C21="ng"), []),
        (put(A4="ĐVT: triệu đồng"), [("other_unit", "A4")]),
        (put(D21=None, F21=30), [("beside", "E21"), ("beside", "F21")]),
        (put(D21=None, E21=None, F21="30"), [("beside", "F21")]),
        (put(D21=None, E21=None, F21="chưa thống kê quý 4"), []),
        (put(H21=30), [("stray", "H21")]),
        (put(G5=None), [("no_column", ""), ("no_column", "")]),
        (put(B14="Mục"), [("no_column", "G14")]),
    ],
)
def test_a_forms_words_agree_with_its_hidden_codes(
    change: Callable[[Worksheet], object], expected: list[tuple[str, str]]
) -> None:
    found = told(form(change))
    assert sorted(set(found)) == sorted(set(expected))


def test_comments_on_a_form_are_kept_in_its_note() -> None:
    def comment(page: Worksheet) -> None:
        page["D21"].comment = Comment("chị Hoa:\nđã gồm tổ 3", "chị Hoa")
        page["D22"].comment = Comment("congdoan:\nLỗi: phải là số", "congdoan")
        page["A1"].comment = Comment("gửi lại", "chị Hoa")

    delivery, problems = read("DN-DABAN_2025.xlsx", form(comment))
    assert delivery is not None
    note = {one.table: one.text for one in delivery.records}["returns"]["note"].item()
    assert "Số người được tuyên truyền: chị Hoa: đã gồm tổ 3" in note
    assert "congdoan" not in note
    assert [(one.severity, one.cell) for one in problems] == [("warning", "A1")]


def test_comments_in_a_table_are_told() -> None:
    def comment(page: Worksheet) -> None:
        page["C2"].comment = Comment("ước tính", "Hoa")

    _, problems = read("b.xlsx", workbook(comment))
    assert [(one.severity, one.cell, "ước tính" in one.message) for one in problems] == [
        ("warning", "C2", True)
    ]


# Error lists


@pytest.mark.parametrize("case", ["10-copy-blocked", "10-long-name"])
def test_the_list_is_written_whatever_becomes_of_a_copy(
    congdoan: Callable[..., Run], tmp_path: Path, case: str
) -> None:
    data, mail = store_for(case, tmp_path), mail_for(case, tmp_path)
    if case == "10-copy-blocked":
        (mail / "loi-nhap" / "DN-COLAU_x_2025_danh-dau-loi.xlsx").mkdir(parents=True)
    assert congdoan("import", mail, "--year", 2025, "--data", data).status == 1
    page = (mail / "loi-nhap" / "danh-sach-loi.html").read_text("utf-8")
    copies = [path for path in (mail / "loi-nhap").glob("*_danh-dau-loi.xlsx") if path.is_file()]
    assert [path.name.partition("_")[0] for path in copies] == ["DN-DABAN"]
    assert copies[0].name in page
    assert ("Không ghi được bản sao" in page) is (case == "10-copy-blocked")


def test_copies_of_long_names_differ_and_keep_their_ending(tmp_path: Path) -> None:
    name = "Báo cáo số liệu " * 10
    content = (CASES / "10-long-name" / "in" / "DN-COLAU_x_2025.xlsx").read_bytes()
    found = {}
    for number in range(3):
        path = tmp_path / str(number) / f"{name}{number}.xlsx"
        path.parent.mkdir()
        path.write_bytes(content)
        found[path] = [error("sai", code="x", file=path.name, sheet="Báo cáo", cell="D21")]
    _, *copies = write_error_lists(found, tmp_path / "out")
    assert len({path.name for path in copies}) == 3
    assert all(path.name.endswith("_danh-dau-loi.xlsx") for path in copies)
    assert all(len(path.name.encode()) <= 255 for path in copies)


def test_where_nothing_can_be_written_another_folder_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, not a folder")
    problems = {tmp_path / "a.csv": [error("sai", code="x", file="a.csv", row=2)]}
    with pytest.raises(InputError, match="--errors"):
        write_error_lists(problems, tmp_path / "out")
