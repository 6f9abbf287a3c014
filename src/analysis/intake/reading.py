"""One file, from its bytes to a delivery: what the child process of `analysis.intake.reader` does."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from analysis.intake.files import SourceFile, UnreadableError, identify
from analysis.intake.formread import find_form, read_form, read_task_sheet
from analysis.intake.formtexts import TASK_MARKER, form_texts
from analysis.intake.headings import Answers, find_header, name_headings
from analysis.intake.persons import find_persons, read_persons
from analysis.intake.recording import check_years, make_records
from analysis.intake.sheets import Sheet, SheetReading, ask_part_of_year, own_notes, tell_note
from analysis.intake.tableread import read_table
from analysis.intake.workbooks import read_sheets
from analysis.problems import Problem, error, has_errors
from analysis.tables.delivery import Delivery, Records, repeated_keys

_HIDDEN = {
    "no": "trang tính đang bị ẩn mà có dữ liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi",
    "never": (
        "trang tính bị ẩn hẳn (very hidden) mà có dữ liệu, Excel không cho bỏ ẩn bằng chuột phải; hãy "
        "chép các trang nhìn thấy sang một tệp mới rồi gửi tệp đó, hoặc mở bằng LibreOffice, chọn "
        "Trang tính → Hiện trang tính, rồi xem lại"
    ),
}
Outcome = tuple[Delivery | None, list[Problem]]


def read_content(
    name: str,
    content: bytes,
    year: int | None,
    scale: int = 1,
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> Outcome:
    """Read a file's bytes.

    Parameters
    ----------
    name : str
        Its name, without a folder.
    content : bytes
        All of it.
    year : int or None
        The year that the user says it is for.
    scale : int
        By what the money of a table may be multiplied that states another unit than đồng.
    answers : Answers
        What the office has answered about its own lists.

    Returns
    -------
    delivery : Delivery or None
        What could be read, to be checked further; None when nothing could. What is wrong in it
        stands as an empty cell. A list of units without codes stands without them.
    problems : list of Problem
        Every error, or only warnings; with an error the delivery is not to be taken in.
    """
    try:
        source = identify(name, content)
        sheets, problems = read_sheets(source)
    except UnreadableError as failure:
        return None, [error(failure.message, code=failure.code, file=name)]
    if problems and any(find_persons(sheet.rows) for sheet in sheets):
        # Whatever is wrong with the file as a file, what stands in its cells is not shown.
        problems = [replace(problem, value="") for problem in problems]
    findings = [
        _read_sheet(source, sheet, year, scale, answers) for sheet in sheets if not sheet.is_empty
    ]
    problems += [problem for finding in findings for problem in finding.problems]
    blocks = [block for finding in findings for block in finding.blocks]
    if not blocks and not has_errors(problems):
        problems.append(_explain_nothing(name, problems))
    records = []
    for block in blocks:
        made, found = make_records(block, name)
        problems += found
        # Without its key a row is nobody's: that was refused already, and what it says is judged.
        if set(block.table.key) <= set(made.text) or lacks_codes(made):
            records.append(made)
    coded = [one for one in records if not lacks_codes(one)]
    problems += repeated_keys(name, coded) + check_years(records, name, year)
    problems = list(dict.fromkeys(problems))
    if not records:
        return None, problems
    digest = hashlib.sha256(content).hexdigest()
    return Delivery(name, digest, tuple(records)), problems


def lacks_codes(records: Records) -> bool:
    """Tell whether these rows are a list of units some of which have no code."""
    is_list = {"year", "name", "unit_type", "commune"} <= {*records.text}
    codes = records.text.get("unit_id")
    return records.table == "roster" and is_list and (codes is None or "" in codes.to_list())


def _explain_nothing(name: str, problems: list[Problem]) -> Problem:
    if any(problem.code in ("nothing_said", "no_rows") for problem in problems):
        return error("tệp không có số liệu nào để nhận", code="no_figures", file=name)
    message = (
        "không nhận ra bảng nào: cần dòng tiêu đề với các cột của bảng, hoặc biểu mẫu của congdoan"
    )
    return error(message, code="not_recognised", file=name)


def _read_sheet(
    source: SourceFile, sheet: Sheet, year: int | None, scale: int, answers: Answers
) -> SheetReading:
    finding = SheetReading(source.name, sheet)
    if sheet.marks.visible != "yes":
        finding.add("hidden", _HIDDEN[sheet.marks.visible])
    elif _explains(sheet):
        pass  # whether a sheet is somebody's list is dear to tell
    elif tasks := find_form(sheet, TASK_MARKER):
        read_task_sheet(finding, tasks)
    elif form := find_form(sheet):
        ask_part_of_year(finding, form.row)
        read_form(finding, form)
    elif persons := find_persons(sheet.rows):
        read_persons(finding, persons, year)
    else:
        finding = name_headings(finding, answers)
        _read_list(finding, year, scale, answers)
    return finding


def _explains(sheet: Sheet) -> bool:
    """Tell whether this is a form's own sheet of explanations or of words, by its name and title."""
    texts = form_texts()
    return any(
        sheet.name == texts["sheets"][kind] and sheet.rows[0][0] == texts["titles"][kind]
        for kind in ("guide", "words")
    )


def _read_list(finding: SheetReading, year: int | None, scale: int, answers: Answers) -> None:
    header = find_header(finding.sheet)
    if header is None:
        message = "không nhận ra bảng nào trong trang tính này, không lấy gì vào"
        finding.add("not_recognised", message, severity="warning")
        return
    ask_part_of_year(finding, header.row)
    read_table(finding, header, year, scale, answers)
    for at, note in own_notes(finding.sheet.marks).items():
        tell_note(finding, at, note)
