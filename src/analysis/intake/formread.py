"""Reading a filled form back: each line by the code in its hidden column."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.intake.blocks import Block, SheetReading, check_cells, own_notes, tell_note
from analysis.intake.formtexts import Raw, fold, form_texts, shown, tidy
from analysis.intake.grid import Sheet, address
from analysis.intake.measure import stated_above
from analysis.intake.wordlists import find, units
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.writing import loosely

#: A form's headings stand well above this row.
_FIRST_ROWS = 100
#: Cells of these types are what a form asks for; the others say who it is about.
_FIGURES = ("count", "money", "boolean")

Lines = dict[int, tuple[Table, Column]]


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


def read_form(finding: SheetReading, form: FormPlace) -> None:
    """Add the blocks of a form: one row for each table that it has lines of."""
    texts, sheet = form_texts(), finding.sheet
    if not is_current(finding, form):
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
        finding.add("no_column", message, (form.row, form.column), value="")
    if lacking:
        return
    item, figure = places["item"] or 0, places["figure"] or 0
    lines = _lines(finding, form)
    _compare_labels(finding, form, lines, item, places["unit"])
    check_cells(finding, {(row, figure): column for row, (_, column) in lines.items()})
    _refuse_strays(finding, form, figure, set(lines))
    _tell_beside(finding, form, lines, figure, places["remark"])
    remarks = _remarks(finding, lines, places["remark"])
    _add_blocks(finding, lines, figure, remarks)


def is_current(finding: SheetReading, form: FormPlace, marker: str = "marker") -> bool:
    """Tell whether a form is of this version; refuse it otherwise."""
    if form.marker == form_texts()[marker]:
        return True
    message = f"biểu mẫu của phiên bản khác ({form.marker}); hãy điền vào biểu mẫu mới của cơ quan"
    advice = "lập biểu mẫu mới bằng congdoan template"
    finding.add("form_version", message, (form.row, form.column), advice=advice)
    return False


def _lines(finding: SheetReading, form: FormPlace) -> Lines:
    """Return what each row holds, by its code."""
    lines: Lines = {}
    seen: dict[str, int] = {}
    tables = dictionary().tables
    for row in range(len(finding.sheet.rows)):
        code = finding.sheet.text(row, form.column)
        if code == form_texts()["paper"]["marker"]:
            break
        if code == "" or row == form.row:
            continue
        table, _, column = code.partition(".")
        if table not in tables or column not in tables[table].columns:
            finding.add("unknown_line", "dòng lạ, biểu mẫu không có dòng này", (row, form.column))
        elif code in seen:
            message = f"dòng lặp lại, đã có ở dòng {seen[code] + 1}"
            finding.add("duplicate_line", message, (row, form.column))
        else:
            seen[code] = row
            lines[row] = (tables[table], tables[table].columns[column])
    return lines


def _compare_labels(
    finding: SheetReading, form: FormPlace, lines: Lines, item: int, unit: int | None
) -> None:
    """Refuse lines whose words are no longer those of their hidden code: the figures moved, or changed."""
    for row, (_, column) in lines.items():
        label = fold(finding.sheet.text(row, item))
        if loosely(label) != loosely(fold(column.vi)):
            message = (
                f"dòng này của biểu mẫu là «{column.vi}», nhãn ghi khác: nhãn hoặc số liệu đã bị chuyển "
                "chỗ hay sửa; hãy chép số liệu vào biểu mẫu chưa sửa"
            )
            finding.add("other_label", message, (row, item), column=column.name)
        stated = fold(finding.sheet.text(row, unit)) if unit is not None and row > form.row else ""
        if stated and column.type.is_number and find(stated, units()) != column.unit:
            message = (
                f"dòng này của biểu mẫu tính bằng «{column.unit}»; hãy ghi lại số và đơn vị tính"
            )
            finding.add("other_unit", message, (row, unit or 0), column=column.name)
    for one in stated_above(finding, form.row):
        if one.worth != 1:
            message = f"biểu mẫu ghi tiền bằng {one.text}, ở đây cần đồng: hãy đổi ra đồng"
            finding.add("other_unit", message, one.at)


def _refuse_strays(finding: SheetReading, form: FormPlace, figure: int, known: set[int]) -> None:
    """Name figures that stand beside no line, and cells beyond the form: they would be lost."""
    for row in range(form.row + 1, len(finding.sheet.rows)):
        if finding.sheet[row, form.column] == form_texts()["paper"]["marker"]:
            break  # from here on it is paper: who filled it in and signs, nothing to keep
        if row not in known and finding.sheet[row, figure] != "":
            message = "số liệu ghi ngoài các dòng của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
            finding.add("stray", message, (row, figure))
        for place in range(form.column + 1, len(finding.sheet.rows[row])):
            if finding.sheet[row, place] != "":
                message = "ô nằm ngoài biểu mẫu, không lấy vào"
                finding.add("stray", message, (row, place), severity="warning")


def _tell_beside(
    finding: SheetReading, form: FormPlace, lines: Lines, figure: int, remark: int | None
) -> None:
    """Tell of figures beside an empty one: they may have been typed into the wrong column."""
    heading = form_texts()["headings"]["figure"]
    empty = [row for row in lines if row > form.row and not finding.sheet.is_said((row, figure))]
    for place in range(figure + 1, form.column):
        raws = {row: finding.sheet[row, place] for row in empty}
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
            finding.add("beside", message, (rows[0], place), severity="warning")


def _is_number(raw: Raw) -> bool:
    return not isinstance(raw, bool | str) or (
        isinstance(raw, str) and raw.strip(" .,%")[:1].isdigit() and not any(map(str.isalpha, raw))
    )


def _remarks(finding: SheetReading, lines: Lines, place: int | None) -> list[str]:
    """Return what is remarked beside the lines or hung on their cells, each with its heading."""
    sheet = finding.sheet
    found = [
        (column, sheet.text(row, place)) for row, (_, column) in lines.items() if place is not None
    ]
    for at, note in own_notes(sheet.marks).items():
        if at[0] in lines:
            found.append((lines[at[0]][1], note))
        else:
            tell_note(finding, at, note)
    text: str = form_texts()["remark_in_note"]
    return [text.format(heading=column.vi, remark=remark) for column, remark in found if remark]


def _add_blocks(finding: SheetReading, lines: Lines, figure: int, remarks: list[str]) -> None:
    sheet = finding.sheet
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
                finding.add("no_column", f"biểu mẫu thiếu dòng «{table.columns[name].vi}»")
        if remarks and "note" in table.columns:
            own = tidy(shown(columns.get("note", [""])[0]))
            columns["note"] = ["\n".join([own, *remarks] if own else remarks)]
        is_said = any(sheet.is_said((row, figure)) for n, row in rows.items() if n not in table.key)
        if not is_said and not is_blank:
            message = f"biểu mẫu chưa có số liệu nào của «{table.vi}», coi như chưa báo cáo"
            finding.add("nothing_said", message, severity="warning")
            continue
        addresses = {name: address(row, figure) for name, row in rows.items()}
        first = min(rows.values()) + 1
        finding.blocks.append(Block(table, sheet.name, [first], columns, addresses))
