"""The sheet that asks a holder for the plan's tasks: written into a form, and read back."""

from __future__ import annotations

from analysis.intake.blocks import Block, SheetReading, check_cells
from analysis.intake.formread import FormPlace, is_current
from analysis.intake.formstyle import FormWorkbook, fit_row, protect, set_page
from analysis.intake.formtexts import Raw, fold, form_texts
from analysis.intake.grid import Sheet, address, letters
from analysis.plan import Plan, Task
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import loosely

#: What is asked of each task, by table and column, with the widths of the cells.
_ASKED = {
    ("tasks", "state"): 20, ("tasks", "done_on"): 14, ("tasks", "count"): 12,
    ("evidence", "doc_no"): 20, ("evidence", "doc_date"): 14, ("evidence", "title"): 36,
    ("tasks", "note"): 30,
}  # fmt: skip
#: Before them: number, task, due, what to name.
_FIRST = 4
_CODE = _FIRST + len(_ASKED)
_MEANS = " = "
_HOLDER_ROW, _YEAR_ROW, _HEADING_ROW = 3, 4, 6
#: The name of the marker that such a sheet carries, in the texts of the forms.
MARKER = "task_marker"


def asked_tasks(study: Study, holder: str, unit_type: str | None, year: int) -> list[Task]:
    """Return the tasks that a holder is still asked about in a year.

    Neither what an indicator tells, nor what was done once and for all.

    Parameters
    ----------
    study : Study
        The dataset and the plan.
    holder : str
        A unit, or the issuer.
    unit_type : str or None
        None for the issuer.
    year : int
        The year to report on.
    """
    plan: Plan = study.plan
    owner = "district" if unit_type is None else "unit"
    said = study.dataset.tables["tasks"]
    done = said[(said["year"] < year) & (said["state"] == "done") & (said["holder_id"] == holder)]
    before = set(done["task_id"])
    return [
        task
        for task in plan.tasks
        if task.owner == owner
        and not task.indicator
        and (unit_type is None or unit_type in plan.types_in(task.population))
        and not (task.cadence == "once" and task.id in before)
    ]


def write_task_sheet(
    book: FormWorkbook, study: Study, holder: str, year: int, tasks: list[Task]
) -> None:
    """Add the sheet to a form; nothing where no task is asked about."""
    if not tasks:
        return
    texts, tables = form_texts(), dictionary().tables
    sheet = book.file.add_worksheet(texts["sheets"]["tasks"])
    for place, width in enumerate([5, 44, 14, 26, *_ASKED.values()]):
        sheet.set_column(place, place, width)
    sheet.set_column(_CODE, _CODE, 20, None, {"hidden": True})
    sheet.write_string(0, 0, study.plan.issuer.name.upper(), book.look("issuer"))
    sheet.write_string(1, 0, texts["titles"]["tasks"].format(year=year), book.look("title"))
    hint = texts["instructions"]["tasks"]
    sheet.merge_range(2, 0, 2, _CODE - 1, hint, book.look("hint"))
    fit_row(sheet, 2, [(hint, 120)])
    columns = tables["tasks"].columns
    sheet.write_string(_HOLDER_ROW, 1, columns["holder_id"].vi, book.look("label"))
    sheet.write_string(_HOLDER_ROW, 2, holder, book.look("fact", num_format="@"))
    sheet.write_string(_YEAR_ROW, 1, columns["year"].vi, book.look("label"))
    sheet.write_number(_YEAR_ROW, 2, year, book.look("fact", num_format="0"))
    asked = [tables[table].columns[name] for table, name in _ASKED]
    headings = [*texts["task_headings"].values(), *(column.vi for column in asked)]
    for place, heading in enumerate(headings):
        sheet.write_string(_HEADING_ROW, place, heading, book.look("heading"))
    sheet.write_string(_HEADING_ROW, _CODE, texts[MARKER], book.look("code"))
    first, last = _HEADING_ROW + 1, _HEADING_ROW + len(tasks)
    for number, task in enumerate(tasks, start=1):
        row = _HEADING_ROW + number
        due = task.due_in(year, study.plan.cut_off)
        told = [task.short or task.text, f"{due:%d/%m/%Y}" if due else texts["standing"]]
        hints = [text for text in (task.count, task.evidence_hint) if text]
        told.append("; ".join(hints))
        sheet.write_number(row, 0, number, book.look("middle"))
        for place, text in enumerate(told, start=1):
            sheet.write_string(row, place, text, book.look("text"))
        for place, ((_, name), column) in enumerate(zip(_ASKED, asked, strict=True), start=_FIRST):
            is_asked = name != "count" or bool(task.count)
            look = book.input_look(column) if is_asked else book.look("before")
            sheet.write_blank(row, place, None, look)
        # The code with its label: so it is seen where one of them was moved.
        sheet.write_string(row, _CODE, f"{task.id}{_MEANS}{told[0]}", book.look("code"))
        fit_row(sheet, row, [(told[0], 44), (told[2], 26)])
    for place, column in enumerate(asked, start=_FIRST):
        book.add_rule(sheet, (first, place, last, place), column)
    sheet.freeze_panes(first, 2)
    set_page(sheet, landscape=True, header_row=_HEADING_ROW)
    protect(sheet)


def read_task_sheet(finding: SheetReading, found: FormPlace) -> None:
    """Add what is said of tasks, and what is cited for them: a row each where anything is said."""
    sheet, tables = finding.sheet, dictionary().tables
    if not is_current(finding, found, MARKER):
        return
    places = _places(finding, found)
    if places is None:
        return
    facts = _facts(sheet, found)
    lacking = [name for name in ("holder_id", "year") if name not in facts]
    for name in lacking:
        heading = tables["tasks"].columns[name].vi
        finding.add("no_column", f"trang nhiệm vụ thiếu dòng «{heading}»")
    if lacking:
        return
    rows = _rows(finding, found, places)
    asked = {key: tables[key[0]].columns[key[1]] for key in _ASKED}
    check_cells(finding, {(r, places[key]): column for key, column in asked.items() for r in rows})
    for name in ("tasks", "evidence"):
        own = [key for key in _ASKED if key[0] == name]
        told = [r for r in rows if any(sheet.is_said((r, places[key])) for key in own)]
        if not told:
            continue
        columns: dict[str, list[Raw]] = {
            key: [sheet[facts[key]]] * len(told) for key in ("year", "holder_id")
        }
        columns["task_id"] = [rows[r] for r in told]
        if name == "evidence":
            columns["number"] = [1] * len(told)
        columns |= {k[1]: [sheet[r, places[k]] for r in told] for k in own}
        addresses = {key: address(*facts[key]) for key in ("year", "holder_id")}
        cells = {"task_id": places["", "item"]} | {k[1]: places[k] for k in own}
        addresses |= {name: f"{letters(place)}{{row}}" for name, place in cells.items()}
        numbers = [r + 1 for r in told]
        finding.blocks.append(Block(tables[name], sheet.name, numbers, columns, addresses))


def _places(finding: SheetReading, found: FormPlace) -> dict[tuple[str, str], int] | None:
    """Return the column of each thing that is asked, by its heading; name the headings that are gone."""
    texts, tables = form_texts(), dictionary().tables
    there = {fold(finding.sheet.text(found.row, place)): place for place in range(found.column)}
    wanted = {("", "item"): texts["task_headings"]["item"]}
    wanted |= {key: tables[key[0]].columns[key[1]].vi for key in _ASKED}
    lacking = [heading for heading in wanted.values() if fold(heading) not in there]
    for heading in lacking:
        message = f"trang nhiệm vụ thiếu cột «{heading}»"
        finding.add("no_column", message, (found.row, found.column), value="")
    return None if lacking else {key: there[fold(heading)] for key, heading in wanted.items()}


def _facts(sheet: Sheet, found: FormPlace) -> dict[str, tuple[int, int]]:
    """Return the cells that say whose tasks of which year these are, beside their labels."""
    columns = dictionary().tables["tasks"].columns
    labels = {fold(columns[name].vi): name for name in ("holder_id", "year")}
    return {
        labels[text]: (row, 2)
        for row in range(found.row)
        if (text := fold(sheet.text(row, 1))) in labels
    }


def _rows(
    finding: SheetReading, found: FormPlace, places: dict[tuple[str, str], int]
) -> dict[int, str]:
    """Return the task of each row; refuse what stands beside none, and labels that are not its own."""
    sheet, item = finding.sheet, places["", "item"]
    rows: dict[int, str] = {}
    for row in range(found.row + 1, len(sheet.rows)):
        task, _, label = sheet.text(row, found.column).partition(_MEANS)
        if not task:
            for key, place in places.items():
                if key[0] and sheet.is_said((row, place)):
                    message = "ghi ngoài các dòng nhiệm vụ của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
                    finding.add("stray", message, (row, place))
        elif task in rows.values():
            first = next(one for one, known in rows.items() if known == task)
            message = f"dòng lặp lại, đã có ở dòng {first + 1}"
            finding.add("duplicate_line", message, (row, item))
        else:
            rows[row] = task
            if loosely(sheet.text(row, item)) != loosely(label):
                message = (
                    f"dòng này của biểu mẫu là «{label}», nhãn ghi khác: nhãn hoặc trạng thái đã bị"
                    " chuyển chỗ hay sửa; hãy chép vào biểu mẫu chưa sửa"
                )
                finding.add("other_label", message, (row, item))
    return rows
