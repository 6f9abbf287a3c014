"""Reading a filled form back, and its sheet of tasks: each line by the code in its hidden column."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.intake.headings import stated_above
from analysis.intake.sheets import (
    Block,
    Sheet,
    SheetReading,
    address,
    check_cells,
    letters,
    own_notes,
    tell_note,
)
from analysis.intake.writings import (
    MEANS,
    TASK_CELLS,
    TASK_MARKER,
    Raw,
    find,
    fold,
    form_texts,
    shown,
    tidy,
    units,
)
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.writing import loosely

#: A form's headings stand well above this row.
_FIRST_ROWS = 100
#: Cells of these types are what a form asks for; the others say who it is about.
_FIGURES = ("count", "money", "boolean")

_Lines = dict[int, tuple[Table, Column]]


@dataclass(frozen=True)
class FormPlace:
    """Where a form's marker stands, and what it says."""

    row: int
    column: int
    marker: str


def find_form(sheet: Sheet, marker: str = "marker") -> FormPlace | None:
    """Return the place of a form's marker, whatever its version; None if the sheet is no such form."""
    kind = form_texts()[marker].partition("/")[0] + "/"
    for row, cells in enumerate(sheet.rows[:_FIRST_ROWS]):
        for place, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith(kind):
                return FormPlace(row, place, tidy(cell))
    return None


def read_form(reading: SheetReading, form: FormPlace) -> None:
    """Add the blocks of a form: one row for each table that it has lines of."""
    texts, sheet = form_texts(), reading.sheet
    if not _is_current(reading, form):
        return
    headings = texts["headings"]
    found = {fold(sheet.text(form.row, place)): place for place in range(form.column)}
    # The heading of last year's column has a year in it: it stands between its neighbours.
    places = {
        name: found.get(fold(headings[name])) for name in ("item", "unit", "figure", "remark")
    }
    lacking = [headings[name] for name in ("item", "figure") if places[name] is None]
    for heading in lacking:
        message = f"biểu mẫu thiếu cột «{heading}»"
        reading.add("no_column", message, (form.row, form.column), value="")
    if lacking:
        return
    item, figure = places["item"] or 0, places["figure"] or 0
    lines = _lines(reading, form)
    _compare_labels(reading, form, lines, item, places["unit"])
    check_cells(reading, {(row, figure): column for row, (_, column) in lines.items()})
    _refuse_strays(reading, form, figure, set(lines))
    _tell_beside(reading, form, lines, figure, places["remark"])
    remarks = _remarks(reading, lines, places["remark"])
    _add_blocks(reading, lines, figure, remarks)


def _is_current(reading: SheetReading, form: FormPlace, marker: str = "marker") -> bool:
    """Tell whether a form is of this version; refuse it otherwise."""
    if form.marker == form_texts()[marker]:
        return True
    message = f"biểu mẫu của phiên bản khác ({form.marker}); hãy điền vào biểu mẫu mới của cơ quan"
    advice = "lập biểu mẫu mới bằng congdoan template"
    reading.add("form_version", message, (form.row, form.column), advice=advice)
    return False


def _lines(reading: SheetReading, form: FormPlace) -> _Lines:
    """Return what each row holds, by its code."""
    lines: _Lines = {}
    seen: dict[str, int] = {}
    tables = dictionary().tables
    for row in range(len(reading.sheet.rows)):
        code = reading.sheet.text(row, form.column)
        if code == form_texts()["paper"]["marker"]:
            break
        if code == "" or row == form.row:
            continue
        table, _, column = code.partition(".")
        if table not in tables or column not in tables[table].columns:
            reading.add("unknown_line", "dòng lạ, biểu mẫu không có dòng này", (row, form.column))
        elif code in seen:
            message = f"dòng lặp lại, đã có ở dòng {seen[code] + 1}"
            reading.add("duplicate_line", message, (row, form.column))
        else:
            seen[code] = row
            lines[row] = (tables[table], tables[table].columns[column])
    return lines


def _compare_labels(
    reading: SheetReading, form: FormPlace, lines: _Lines, item: int, unit: int | None
) -> None:
    """Refuse lines whose words are no longer those of their hidden code: the figures moved, or changed."""
    for row, (_, column) in lines.items():
        label = fold(reading.sheet.text(row, item))
        if loosely(label) != loosely(fold(column.vi)):
            message = (
                f"dòng này của biểu mẫu là «{column.vi}», nhãn ghi khác: nhãn hoặc số liệu đã bị chuyển "
                "chỗ hay sửa; hãy chép số liệu vào biểu mẫu chưa sửa"
            )
            reading.add("other_label", message, (row, item), column=column.name)
        stated = fold(reading.sheet.text(row, unit)) if unit is not None and row > form.row else ""
        if stated and column.type.is_number and find(stated, units()) != column.unit:
            message = (
                f"dòng này của biểu mẫu tính bằng «{column.unit}»; hãy ghi lại số và đơn vị tính"
            )
            reading.add("other_unit", message, (row, unit or 0), column=column.name)
    for one in stated_above(reading, form.row):
        if one.worth != 1:
            message = f"biểu mẫu ghi tiền bằng {one.text}, ở đây cần đồng: hãy đổi ra đồng"
            reading.add("other_unit", message, one.at)


def _refuse_strays(reading: SheetReading, form: FormPlace, figure: int, known: set[int]) -> None:
    """Name figures that stand beside no line, and cells beyond the form: they would be lost."""
    for row in range(form.row + 1, len(reading.sheet.rows)):
        if reading.sheet[row, form.column] == form_texts()["paper"]["marker"]:
            break  # from here on it is paper: who filled it in and signs, nothing to keep
        if row not in known and reading.sheet[row, figure] != "":
            message = "số liệu ghi ngoài các dòng của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
            reading.add("stray", message, (row, figure))
        for place in range(form.column + 1, len(reading.sheet.rows[row])):
            if reading.sheet[row, place] != "":
                message = "ô nằm ngoài biểu mẫu, không lấy vào"
                reading.add("stray", message, (row, place), severity="warning")


def _tell_beside(
    reading: SheetReading, form: FormPlace, lines: _Lines, figure: int, remark: int | None
) -> None:
    """Tell of figures beside an empty one: they may have been typed into the wrong column."""
    heading = form_texts()["headings"]["figure"]
    empty = [row for row in lines if row > form.row and not reading.sheet.is_said((row, figure))]
    for place in range(figure + 1, form.column):
        raws = {row: reading.sheet[row, place] for row in empty}
        # In last year's column everything is a figure; a remark is one only if it is a number.
        is_figure = {
            row: raw != "" and (place != remark or _is_number(raw)) for row, raw in raws.items()
        }
        rows = [row for row in empty if is_figure[row]]
        if rows:
            cells = ", ".join(address(row, place) for row in rows)
            message = (
                f"cột «{heading}» bỏ trống mà ở đây có số ({cells}), không lấy làm số liệu của năm; "
                f"nếu gõ nhầm cột thì hãy chuyển sang cột «{heading}»"
            )
            reading.add("beside", message, (rows[0], place), severity="warning")


def _is_number(raw: Raw) -> bool:
    return not isinstance(raw, bool | str) or (
        isinstance(raw, str) and raw.strip(" .,%")[:1].isdigit() and not any(map(str.isalpha, raw))
    )


def _remarks(reading: SheetReading, lines: _Lines, place: int | None) -> list[str]:
    """Return what is remarked beside the lines or hung on their cells, each with its heading."""
    sheet = reading.sheet
    found = [
        (column, sheet.text(row, place)) for row, (_, column) in lines.items() if place is not None
    ]
    for at, note in own_notes(sheet.marks).items():
        if at[0] in lines:
            found.append((lines[at[0]][1], note))
        else:
            tell_note(reading, at, note)
    text: str = form_texts()["remark_in_note"]
    return [text.format(heading=column.vi, remark=remark) for column, remark in found if remark]


def _add_blocks(reading: SheetReading, lines: _Lines, figure: int, remarks: list[str]) -> None:
    sheet = reading.sheet
    keys = {c.name: row for row, (table, c) in lines.items() if c.name in table.key}
    tables = {table.name: table for table, _ in lines.values()}
    asked = [row for row, (_, column) in lines.items() if column.type.name in _FIGURES]
    # The office's workbook has other sheets that may say something. A unit's form sent back
    # without a figure is passed on as the empty return that it is.
    is_blank = len(tables) > 1 and not any(sheet.is_said((row, figure)) for row in asked)
    for table in tables.values():
        rows = {c.name: row for row, (own, c) in lines.items() if own is table}
        rows = {**{name: keys[name] for name in table.key if name in keys}, **rows}
        columns: dict[str, list[Raw]] = {name: [sheet[row, figure]] for name, row in rows.items()}
        for name in table.key:
            if name not in rows:
                reading.add("no_column", f"biểu mẫu thiếu dòng «{table.columns[name].vi}»")
        if remarks and "note" in table.columns:
            own = tidy(shown(columns.get("note", [""])[0]))
            columns["note"] = ["\n".join([own, *remarks] if own else remarks)]
        is_said = any(sheet.is_said((row, figure)) for n, row in rows.items() if n not in table.key)
        if not is_said and not is_blank:
            message = f"biểu mẫu chưa có số liệu nào của «{table.vi}», coi như chưa báo cáo"
            reading.add("nothing_said", message, severity="warning")
            continue
        addresses = {name: address(row, figure) for name, row in rows.items()}
        first = min(rows.values()) + 1
        reading.blocks.append(Block(table, sheet.name, [first], columns, addresses))


# The sheet of tasks


def read_task_sheet(reading: SheetReading, found: FormPlace) -> None:
    """Add what is said of tasks, and what is cited for them: a row each where anything is said."""
    sheet, tables = reading.sheet, dictionary().tables
    if not _is_current(reading, found, TASK_MARKER):
        return
    places = _task_places(reading, found)
    if places is None:
        return
    facts = _task_facts(sheet, found)
    lacking = [name for name in ("holder_id", "year") if name not in facts]
    for name in lacking:
        heading = tables["tasks"].columns[name].vi
        reading.add("no_column", f"trang nhiệm vụ thiếu dòng «{heading}»")
    if lacking:
        return
    rows = _task_rows(reading, found, places)
    asked = {key: tables[key[0]].columns[key[1]] for key in TASK_CELLS}
    check_cells(reading, {(r, places[key]): column for key, column in asked.items() for r in rows})
    for name in ("tasks", "evidence"):
        own = [key for key in TASK_CELLS if key[0] == name]
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
        reading.blocks.append(Block(tables[name], sheet.name, numbers, columns, addresses))


def _task_places(reading: SheetReading, found: FormPlace) -> dict[tuple[str, str], int] | None:
    """Return the column of each thing that is asked, by its heading; name the headings that are gone."""
    texts, tables = form_texts(), dictionary().tables
    there = {fold(reading.sheet.text(found.row, place)): place for place in range(found.column)}
    wanted = {("", "item"): texts["task_headings"]["item"]}
    wanted |= {key: tables[key[0]].columns[key[1]].vi for key in TASK_CELLS}
    lacking = [heading for heading in wanted.values() if fold(heading) not in there]
    for heading in lacking:
        message = f"trang nhiệm vụ thiếu cột «{heading}»"
        reading.add("no_column", message, (found.row, found.column), value="")
    return None if lacking else {key: there[fold(heading)] for key, heading in wanted.items()}


def _task_facts(sheet: Sheet, found: FormPlace) -> dict[str, tuple[int, int]]:
    """Return the cells that say whose tasks of which year these are, beside their labels."""
    columns = dictionary().tables["tasks"].columns
    labels = {fold(columns[name].vi): name for name in ("holder_id", "year")}
    return {
        labels[text]: (row, 2)
        for row in range(found.row)
        if (text := fold(sheet.text(row, 1))) in labels
    }


def _task_rows(
    reading: SheetReading, found: FormPlace, places: dict[tuple[str, str], int]
) -> dict[int, str]:
    """Return the task of each row; refuse what stands beside none, and labels that are not its own."""
    sheet, item = reading.sheet, places["", "item"]
    rows: dict[int, str] = {}
    for row in range(found.row + 1, len(sheet.rows)):
        task, _, label = sheet.text(row, found.column).partition(MEANS)
        if not task:
            for key, place in places.items():
                if key[0] and sheet.is_said((row, place)):
                    message = "ghi ngoài các dòng nhiệm vụ của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
                    reading.add("stray", message, (row, place))
        elif task in rows.values():
            first = next(one for one, known in rows.items() if known == task)
            message = f"dòng lặp lại, đã có ở dòng {first + 1}"
            reading.add("duplicate_line", message, (row, item))
        else:
            rows[row] = task
            if loosely(sheet.text(row, item)) != loosely(label):
                message = (
                    f"dòng này của biểu mẫu là «{label}», nhãn ghi khác: nhãn hoặc trạng thái đã bị"
                    " chuyển chỗ hay sửa; hãy chép vào biểu mẫu chưa sửa"
                )
                reading.add("other_label", message, (row, item))
    return rows
