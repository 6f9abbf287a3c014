"""Files as people send them: broken, locked, dangerous, unclear. Every problem names its cell."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt
from openpyxl.worksheet.worksheet import Worksheet

from analysis.intake import read_delivery, reader
from analysis.intake.reader import read_content
from analysis.problems import Problem
from analysis.tables.delivery import Delivery

#: A to H.
HEADINGS = (
    *("Năm", "Mã CĐCS", "Số người được tuyên truyền", "Đã ký giao ước thi đua"),
    *("Xếp loại CĐCS", "Kinh phí công đoàn phải thu", "Ghi chú", "Số đoàn viên kết nạp mới"),
)
GOOD = ((2024, "TH-HUC", 12, "Có", "Hoàn thành tốt nhiệm vụ", 1_500_000, "Đủ", 3),) * 1 + (
    (2024, "DN-A", 40, "Không", "Chưa xếp loại", 2_000_000, None, 0),
)
REGISTER = ("Năm", "Mã CĐCS", "Tên CĐCS", "Loại hình", "Xã, thị trấn", "Ngày thành lập")
UNIT = (2024, "TH-HUC", "CĐCS Trường Húc", "Đơn vị sự nghiệp công lập", "Húc", date(2001, 5, 20))

Change = Callable[[Worksheet], object]


def workbook(change: Change | None = None, *, register: bool = False) -> bytes:
    """A sound table of returns (or of the register), changed."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Số liệu"
    for row in [REGISTER, UNIT] if register else [HEADINGS, *GOOD]:
        page.append(row)
    if change:
        change(page)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def text_table(*lines: str, separator: str = ",") -> str:
    header = separator.join(["year", "unit_id", "informed", "plan_made", "note"])
    return "\n".join([header, *lines]) + "\n"


def put(**cells: object) -> Change:
    def change(page: Worksheet) -> None:
        for name, value in cells.items():
            page[name] = value

    return change


def read(
    name: str, content: bytes, year: int | None = None
) -> tuple[Delivery | None, list[Problem]]:
    return read_content(name, content, year)


def only_problem(name: str, content: bytes, year: int | None = None) -> Problem:
    _, problems = read(name, content, year)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert len(errors) == 1, [str(problem) for problem in problems]
    assert errors[0].file == name
    return errors[0]


# Sound files, in every form


def canonical(delivery: Delivery | None, problems: list[Problem]) -> list[dict[str, str]]:
    assert delivery is not None, [str(problem) for problem in problems]
    return [row for records in delivery.records for row in records.text.to_dict("records")]


SOUND = [
    {
        **{"year": "2024", "unit_id": "TH-HUC", "informed": "12", "emulation_agreement": "true"},
        **{"grade": "good", "fund_due": "1500000", "note": "Đủ", "new_members": "3"},
    },
    {
        **{"year": "2024", "unit_id": "DN-A", "informed": "40", "emulation_agreement": "false"},
        **{"grade": "not_graded", "fund_due": "2000000", "note": "", "new_members": "0"},
    },
]


def as_xls(
    rows: list[tuple[object, ...]], change: Callable[[object], object] | None = None
) -> bytes:
    book = xlwt.Workbook()
    page = book.add_sheet("Số liệu", cell_overwrite_ok=True)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if cell is not None:
                page.write(number, place, cell)
    if change:
        change(page)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def as_csv(separator: str, encoding: str) -> bytes:
    lines = [separator.join("" if x is None else str(x) for x in row) for row in (HEADINGS, *GOOD)]
    return "\r\n".join(lines).encode(encoding)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.xlsx", workbook()),
        ("b.xls", as_xls([HEADINGS, *GOOD])),
        ("b.csv", as_csv(",", "utf-8")),
        ("b.csv", as_csv(";", "utf-8-sig")),
        ("b.txt", as_csv("\t", "utf-16")),
        ("b.csv", b"sep=;\r\n" + as_csv(";", "utf-8")),
    ],
    ids=["xlsx", "xls", "csv", "csv-semicolon-bom", "tab-utf16", "sep-line"],
)
def test_the_same_table_from_any_kind_of_file(name: str, content: bytes) -> None:
    assert canonical(*read(name, content)) == SOUND


def test_headings_in_other_case_form_and_order_and_below_a_title() -> None:
    def rearrange(page: Worksheet) -> None:
        for cell in page[1]:
            cell.value = unicodedata.normalize("NFD", str(cell.value).upper())
        page.insert_rows(1, 3)
        page["A1"] = "BÁO CÁO NĂM 2024"
        page.merge_cells("A1:H1")

    delivery, problems = read("b.xlsx", workbook(rearrange))
    assert canonical(delivery, problems) == SOUND
    assert delivery is not None
    assert delivery.records[0].address("informed", 5) == "C5"


def test_year_may_stand_in_the_title_or_be_said_by_the_user() -> None:
    def without_column(page: Worksheet) -> None:
        page.delete_cols(1)

    def with_title(page: Worksheet) -> None:
        without_column(page)
        page.insert_rows(1)
        page["A1"] = "Tổng hợp năm 2024"

    assert canonical(*read("b.xlsx", workbook(without_column), 2024)) == SOUND
    assert canonical(*read("b.xlsx", workbook(with_title))) == SOUND
    asked = only_problem("so lieu 2024.xlsx", workbook(without_column))
    assert asked.code == "no_year"


def test_a_summary_of_register_and_returns_gives_both_tables() -> None:
    def add(page: Worksheet) -> None:
        page["G1"], page["G2"], page["H1"], page["H2"] = "Tổng số CNVCLĐ", "1.234", "informed", 1200

    delivery, _ = read("b.xlsx", workbook(add, register=True))
    assert delivery is not None
    tables = {one.table: one.text.to_dict("records")[0] for one in delivery.records}
    assert tables["roster"]["workers_total"] == "1234"
    assert tables["returns"] == {"year": "2024", "unit_id": "TH-HUC", "informed": "1200"}


def test_a_name_beside_the_figures_is_for_the_reader_alone() -> None:
    delivery, problems = read("b.xlsx", workbook(put(I1="Tên CĐCS", I2="Trường Húc")))
    assert canonical(delivery, problems) == SOUND
    assert [(one.severity, one.cell) for one in problems] == [("warning", "I1")]


@pytest.mark.parametrize(("title", "codes"), [("Trống", ["no_rows"]), ("Biến động tổ chức", [])])
def test_a_table_without_rows_is_mentioned_unless_it_is_the_forms_own(
    title: str, codes: list[str]
) -> None:
    def add(page: Worksheet) -> None:
        assert page.parent is not None
        page.parent.create_sheet(title).append(["Ngày", "Sự kiện", "Mã CĐCS trước", "Mã CĐCS sau"])

    delivery, problems = read("b.xlsx", workbook(add))
    assert canonical(delivery, problems) == SOUND
    assert [one.code for one in problems] == codes


def test_an_id_without_a_figure_is_no_return() -> None:
    def clear(page: Worksheet) -> None:
        for cell in page[3][2:]:
            cell.value = None

    delivery, problems = read("b.xlsx", workbook(clear))
    assert canonical(delivery, problems) == SOUND[:1]
    assert [(one.severity, one.code, one.cell) for one in problems] == [
        ("warning", "nothing_said", "A3")
    ]


# Cells


def merge(cells: str) -> Change:
    return lambda page: page.merge_cells(cells)


def hide_row(page: Worksheet) -> None:
    page.row_dimensions[3].hidden = True


def hide_column(page: Worksheet) -> None:
    page.column_dimensions["F"].hidden = True


def hide_sheet(page: Worksheet) -> None:
    assert page.parent is not None
    page.parent.create_sheet("Trống")
    page.sheet_state = "hidden"


def error_cell(page: Worksheet) -> None:
    page["F2"] = "#REF!"
    page["F2"].data_type = "e"


LONG_ID = "A" * 33


@pytest.mark.parametrize(
    ("change", "cell", "code", "value"),
    [
        (put(C2="=1+1"), "C2", "formula_without_value", ""),
        (error_cell, "F2", "error_cell", "#REF!"),
        (merge("C2:C3"), "C2", "merged", "12"),
        (hide_row, "A3", "hidden", "2024"),
        (hide_column, "F2", "hidden", "1500000"),
        (hide_sheet, "", "hidden", ""),
        (put(H1="informed"), "H1", "duplicate_column", "informed"),
        (put(H1=unicodedata.normalize("NFD", "GHI CHÚ")), "H1", "duplicate_column", "GHI CHÚ"),
        (put(H1=None), "H2", "no_heading", "3"),
        (put(H1="Số đoàn viên kết nạp mớii"), "H1", "unknown_column", "Số đoàn viên kết nạp mớii"),
        (put(H1="Tr­êng"), "H1", "legacy_encoding", "Tr­êng"),
        (put(C2="1.23"), "C2", "ambiguous_number", "1.23"),
        (put(C2="1,234"), "C2", "ambiguous_number", "1,234"),
        (put(C2="1E3"), "C2", "scientific", "1E3"),
        (put(C2="NA"), "C2", "unclear", "NA"),
        (put(C2="-"), "C2", "unclear", "-"),
        (put(C2="85%"), "C2", "percent", "85%"),
        (put(C2=-5), "C2", "negative", "-5"),
        (put(C2="-5"), "C2", "negative", "-5"),
        (put(C2=12.5), "C2", "fraction", "12,5"),
        (put(C2="12,5"), "C2", "fraction", "12,5"),
        (put(C2=2.0**62), "C2", "out_of_range", "4611686018427387904"),
        (put(C2="9" * 30), "C2", "out_of_range", "9" * 30),
        (put(C2="inf"), "C2", "not_number", "inf"),
        (put(C2="mười hai"), "C2", "not_number", "mười hai"),
        (put(C2=True), "C2", "not_number", "TRUE"),
        (put(C2=date(2024, 4, 3)), "C2", "not_number", "03/04/2024"),
        (put(D2="có thể"), "D2", "not_boolean", "có thể"),
        (put(E2="Giỏi"), "E2", "unknown_word", "Giỏi"),
        (put(E2="Hoµn thµnh tèt"), "E2", "legacy_encoding", "Hoµn thµnh tèt"),
        (put(B2=12), "B2", "id_number", "12"),
        (put(B2=None), "B2", "empty", ""),
        (put(B2="../bi-mat"), "B2", "not_id", "../bi-mat"),
        (put(B2="CON"), "B2", "reserved_id", "CON"),
        (put(B2="th húc"), "B2", "not_id", "th húc"),
        (put(B2=LONG_ID), "B2", "not_id", LONG_ID),
        (put(B3="TH-HUC"), "B3", "duplicate_key", "TH-HUC"),
        (put(A2="2.024"), "A2", "fraction", "2.024"),
        (put(A2=None), "A2", "empty", ""),
        (put(G2="C«ng ®oµn"), "G2", "legacy_encoding", "C«ng ®oµn"),
        (put(G2="Coâng ñoaøn"), "G2", "legacy_encoding", "Coâng ñoaøn"),
    ],
)
def test_every_unclear_cell_is_named(change: Change, cell: str, code: str, value: str) -> None:
    problem = only_problem("b.xlsx", workbook(change))
    shown = unicodedata.normalize("NFC", problem.value)
    assert (problem.code, problem.cell, shown) == (code, cell, value)
    assert problem.sheet == "Số liệu"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("01/02/2024", "ambiguous_date"),
        ("12/31/2024", "not_date"),
        ("31/02/2024", "not_date"),
        ("2024", "not_date"),
        (datetime(2024, 2, 1, 8, 30), "not_date"),
    ],
)
def test_unclear_days_are_asked_about(value: object, code: str) -> None:
    problem = only_problem("b.xlsx", workbook(put(F2=value), register=True))
    assert (problem.code, problem.cell) == (code, "F2")


def test_all_problems_of_a_file_come_at_once() -> None:
    changed = put(C2="NA", D3="có thể", F3="1E3", B2="CON", H3=-1)
    _, problems = read("b.xlsx", workbook(changed))
    assert sorted(one.cell for one in problems) == ["B2", "C2", "D3", "F3", "H3"]


def test_harmful_text_in_a_name_stays_text() -> None:
    content = text_table('2024,A,1,true,"=HYPERLINK(""http://x"")"', "2024,B,1,true,<script>")
    notes = [row["note"] for row in canonical(*read("b.csv", content.encode()))]
    assert notes == ['=HYPERLINK("http://x")', "<script>"]


def test_padded_id_stays_text() -> None:
    assert canonical(*read("b.xlsx", workbook(put(B2="0012"))))[0]["unit_id"] == "0012"


def test_not_a_number_in_the_xml_itself() -> None:
    changed = replace_in_zip(workbook(), "xl/worksheets/sheet1.xml", b"<v>12</v>", b"<v>NaN</v>")
    problem = only_problem("b.xlsx", changed)
    assert (problem.code, problem.cell) == ("unclear", "C2")


@pytest.mark.parametrize(
    ("change", "cell", "code"),
    [
        (lambda page: page.write(1, 5, xlwt.Formula("1+1")), "F2", "formula_without_value"),
        (lambda page: page.row(2).__setattr__("hidden", 1), "A3", "hidden"),
        (lambda page: page.col(5).__setattr__("hidden", 1), "F2", "hidden"),
        (lambda page: page.merge(1, 2, 2, 2), "C2", "merged"),
    ],
    ids=["formula", "hidden-row", "hidden-column", "merged"],
)
def test_old_workbooks_are_looked_through_as_well(
    change: Callable[[object], object], cell: str, code: str
) -> None:
    problem = only_problem("b.xls", as_xls([HEADINGS, *GOOD], change))
    assert (problem.cell, problem.code) == (cell, code)


# Years


@pytest.mark.parametrize(
    ("name", "year", "code"),
    [
        ("b.xlsx", 2023, "other_year"),
        ("bao cao 2023.xlsx", None, "year_in_name"),
        ("TH-HUC_2025.xlsx", None, "year_in_name"),
    ],
)
def test_years_have_to_agree(name: str, year: int | None, code: str) -> None:
    problem = only_problem(name, workbook(), year)
    assert (problem.code, problem.cell, problem.value) == (code, "A2", "2024")


@pytest.mark.parametrize("name", ["2024.xlsx", "b_2023-2024.xlsx", "DN-20245.xlsx"])
def test_years_that_agree(name: str) -> None:
    assert canonical(*read(name, workbook(), 2024)) == SOUND


# Text tables


@pytest.mark.parametrize(
    ("content", "code", "row", "cell"),
    [
        (text_table("2024,A,1").encode(), "ragged", 2, ""),
        (text_table("2024,A,1,true,x,y").encode(), "ragged", 2, ""),
        (text_table('2024,A,1,true,"mở').encode(), "bad_csv", 2, ""),
        (text_table("2024,A,NA,true,x").encode(), "unclear", 2, "C2"),
        (text_table("2024,A,1E3,true,x").encode(), "scientific", 2, "C2"),
        (text_table("2024,A,nan,true,x").encode(), "unclear", 2, "C2"),
        (b"", "empty_file", None, ""),
        (b"\xef\xbb\xbf", "empty_file", None, ""),
        (b"\n\n", "empty_file", None, ""),
        (bytes(range(128, 256)), "not_utf8", None, ""),
        (b"ten,tuoi\nAn,3\n", "not_recognised", None, ""),
        (b"year,unit_id,informed\n2024,U1,\n", "no_figures", None, ""),
        (b"year,unit_id,informed\n", "no_figures", None, ""),
        (b"year,informed\n2024,3\n", "no_column", None, ""),
    ],
)
def test_broken_text_tables(content: bytes, code: str, row: int | None, cell: str) -> None:
    problem = only_problem("b.csv", content)
    assert (problem.code, problem.row, problem.cell) == (code, row, cell)


@pytest.mark.parametrize(
    ("note", "old", "reading"),
    [
        ("Tr­êng TiÓu häc Hóc ®ñ", "TCVN3", "Trường Tiểu học Húc đủ"),
        ("Tröôøng Tieåu hoïc Huùc ñuû", "VNI", "Trường Tiểu học Húc đủ"),
    ],
)
def test_text_tables_in_old_encodings_are_named_with_their_cells(
    note: str, old: str, reading: str
) -> None:
    _, problems = read("b.csv", text_table(f"2024,A,1,true,{note}").encode("latin-1"))
    whole, cell = problems
    assert old in whole.message
    assert (cell.cell, cell.code) == ("E2", "legacy_encoding")
    assert reading in cell.message


# Whole files


def replace_in_zip(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                assert old in data
                data = data.replace(old, new)
            target.writestr(name, data)
    return buffer.getvalue()


def locked() -> bytes:
    """The head of what Excel writes for a workbook with a password."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le")


def with_doctype(before: bytes = b"") -> bytes:
    evil = (
        b'<?xml version="1.0"?>'
        + before
        + b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>'
    )
    return replace_in_zip(workbook(), "xl/workbook.xml", b"<workbook", evil + b"<workbook")


def counted_from_1904() -> bytes:
    mac = b'<workbookPr date1904="1"/>'
    return replace_in_zip(workbook(), "xl/workbook.xml", b"<workbookPr/>", mac)


def sparse() -> bytes:
    """A few bytes that ask a reader for room for 16 thousand million cells."""
    part = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return replace_in_zip(workbook(), "xl/worksheets/sheet1.xml", b"</sheetData>", part)


def sparse_ods() -> bytes:
    head = '<?xml version="1.0"?><office:document-content'
    for name in ("office", "table", "text"):
        head += f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="1000"/>'
    row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    body = f'<office:body><office:spreadsheet><table:table table:name="S">{row}</table:table>'
    return zipped(
        mimetype=b"application/vnd.oasis.opendocument.spreadsheet",
        **{
            "content.xml": f"{head}>{body}</office:spreadsheet></office:body></office:document-content>".encode()
        },
    )


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return buffer.getvalue()


def lying_zip() -> bytes:
    """The directory says a sheet is 10 bytes long."""
    content = bytearray(workbook())
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<I", content, at + 24, 10)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("b.xlsx", b"", "empty_file"),
        ("b.xlsx", workbook()[:2000], "truncated"),
        ("b.xls", as_xls([HEADINGS, *GOOD])[:1500], "truncated"),
        ("b.xlsx", as_csv(",", "utf-8"), "other_kind"),
        ("b.xls", b"<html><table><tr><td>1</td></tr></table></html>", "other_kind"),
        ("b.csv", workbook(), "other_kind"),
        ("b.xlsx", zipped(a=b"1"), "other_kind"),
        ("b.xlsx", b"%PDF-1.7\0\0", "other_kind"),
        ("b.xlsx", locked(), "password"),
        ("b.xlsx", with_doctype(), "doctype"),
        ("b.xlsx", sparse(), "too_wide"),
        ("b.xlsx", counted_from_1904(), "date_1904"),
        ("b.xlsx", with_doctype(b"<!--" + b"x" * 5000 + b"-->"), "doctype"),
        ("b.xlsx", with_doctype(b"<!--" + b"x" * 70_000 + b"-->"), "doctype"),
        ("b.xlsx", zipped(**{f"p{number}": b"" for number in range(5001)}), "too_big"),
        ("b.ods", sparse_ods(), "too_wide"),
        ("b.xlsx", lying_zip(), "truncated"),
        (
            "b.xlsx",
            replace_in_zip(workbook(), "xl/workbook.xml", b"<sheets>", b"<she"),
            "truncated",
        ),
        ("b.ods", zipped(**{"content.xml": b"<a"}), "truncated"),
        ("b.xlsx", workbook(lambda page: page.delete_rows(1, 9)), "not_recognised"),
    ],
)
def test_files_that_cannot_be_read_say_why(name: str, content: bytes, code: str) -> None:
    assert only_problem(name, content).code == code


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """400 MB in 400 KB, read by a process that may not grow beyond 300 MB."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        target.writestr("xl/workbook.xml", "<workbook/>")
        with target.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(400):
                part.write(bytes(1_000_000))
    assert path.stat().st_size < 2_000_000
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from analysis.intake.workbooks import UnreadableError, identify\n"
        "path = Path(sys.argv[1])\n"
        "try: identify(path.name, path.read_bytes())\n"
        "except UnreadableError as refusal: print(refusal.code)\n"
        # getrusage would tell of the process that started this one too.
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    refused, kilobytes = done.stdout.split()
    assert refused == "too_big"
    assert int(kilobytes) < 300_000
    assert read_delivery(path)[1][0].code == "too_big"


# The child process


def test_a_dying_child_is_a_problem_of_its_file_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.xlsx"
    path.write_bytes(workbook())
    assert canonical(*read_delivery(path)) == SOUND
    (first,) = reader._children.values()

    # Killed in the middle of its work, as a parser that aborts would be.
    monkeypatch.setattr(reader, "SECONDS", 0.0)
    delivery, problems = read_delivery(path)
    assert delivery is None
    assert [(one.file, one.code) for one in problems] == [("b.xlsx", "too_slow")]
    monkeypatch.setattr(reader, "SECONDS", 240)

    assert canonical(*read_delivery(path)) == SOUND
    assert [*reader._children.values()] != [first]


@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "Blatt.xml"])
def test_sheets_are_looked_through_wherever_they_lie(part: str) -> None:
    content = replace_in_zip(
        workbook(put(C2="=1+1")),
        "xl/_rels/workbook.xml.rels",
        b"worksheets/sheet1.xml",
        part.encode(),
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            moved = name.replace("worksheets/sheet1.xml", part)
            target.writestr(
                moved, source.read(name).replace(b"worksheets/sheet1.xml", part.encode())
            )
    assert only_problem("b.xlsx", buffer.getvalue()).code == "formula_without_value"


def test_a_missing_file_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_delivery(tmp_path / "nowhere.xlsx")


def test_a_large_table_is_read_column_by_column(tmp_path: Path) -> None:
    """5,000 returns, some of them wrong: every wrong cell is named."""
    book = xlsxwriter.Workbook(tmp_path / "b.xlsx", {"constant_memory": True})
    page = book.add_worksheet("Số liệu")
    page.write_row(0, 0, HEADINGS)
    for number in range(5000):
        informed = "NA" if number % 1000 == 999 else number
        page.write_row(number + 1, 0, [2024, f"U{number}", informed, "Có", "good", 10**6, "", 1])
    book.close()
    _, problems = read("b.xlsx", (tmp_path / "b.xlsx").read_bytes())
    assert [one.cell for one in problems] == [f"C{row}" for row in (1001, 2001, 3001, 4001, 5001)]


def ods(rows: str, columns: str = "", styles: str = "") -> bytes:
    names = ("office", "table", "text", "style")
    spaces = " ".join(f'xmlns:{x}="urn:oasis:names:tc:opendocument:xmlns:{x}:1.0"' for x in names)
    text = (
        f'<?xml version="1.0"?><office:document-content {spaces}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>"
        f'<table:table table:name="Số liệu" table:style-name="ta1">{columns}{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        b'<?xml version="1.0"?><manifest:manifest '
        b'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return zipped(
        **{"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": text.encode()}
    )


def ods_row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def ods_text(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


ODS_HEAD = ods_row(ods_text("year"), ods_text("unit_id"), ods_text("informed"))
ODS_ROW = (ods_text("2024"), ods_text("TH-HUC"))
FOLDED = 'table:visibility="collapse"'
FORMULA = 'table:formula="of:=1+1"'


@pytest.mark.parametrize(
    ("content", "cell", "code"),
    [
        (
            ods(ODS_HEAD + ods_row(*ODS_ROW, f"<table:table-cell {FORMULA}/>")),
            "C2",
            "formula_without_value",
        ),
        (ods(ODS_HEAD + ods_row(*ODS_ROW, ods_text("#REF!", FORMULA))), "C2", "error_cell"),
        (
            ods(ODS_HEAD + ods_row(*ODS_ROW, ods_text("12", 'table:number-rows-spanned="2"'))),
            "C2",
            "merged",
        ),
        (ods(ODS_HEAD + ods_row(*ODS_ROW, ods_text("12"), more=FOLDED)), "A2", "hidden"),
        (
            ods(
                ODS_HEAD + ods_row(*ODS_ROW, ods_text("12")),
                f'<table:table-column table:number-columns-repeated="2"/><table:table-column {FOLDED}/>',
            ),
            "C2",
            "hidden",
        ),
        (
            ods(
                ODS_HEAD + ods_row(*ODS_ROW, ods_text("12")),
                styles='<style:style style:name="ta1" style:family="table">'
                '<style:table-properties table:display="false"/></style:style>',
            ),
            "",
            "hidden",
        ),
    ],
    ids=["formula", "error", "merged", "hidden-row", "hidden-column", "hidden-sheet"],
)
def test_open_document_tables_are_looked_through_as_well(
    content: bytes, cell: str, code: str
) -> None:
    problem = only_problem("b.ods", content)
    assert (problem.cell, problem.code, problem.sheet) == (cell, code, "Số liệu")


def test_open_document_table_that_is_sound() -> None:
    found = canonical(*read("b.ods", ods(ODS_HEAD + ods_row(*ODS_ROW, ods_text("1.234")))))
    assert found == [{"year": "2024", "unit_id": "TH-HUC", "informed": "1234"}]


def test_the_child_may_not_take_all_memory() -> None:
    code = (
        "from analysis.intake import reader\n"
        "reader._limit_memory()\n"
        "for gigabytes in (1, 6): print(len(bytearray(gigabytes * 10**9)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split()[0] == str(10**9)
    # Only Linux keeps a process to such a limit.
    assert ("MemoryError" in done.stderr) is (sys.platform == "linux")
