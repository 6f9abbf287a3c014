"""Reading a filled form back: each line by the code in its hidden column."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.intake.found import Block, Finding, cell_at
from analysis.intake.grid import Sheet, address
from analysis.intake.raw import Raw, shown, tidy
from analysis.intake.seen import check_cells
from analysis.intake.words import fold, form_texts
from analysis.tables.dictionary import Column, Table, dictionary

#: A form's headings stand well above this row.
_FIRST_ROWS = 100
#: Cells of these types are what a form asks for; the others say who it is about.
_FIGURES = ("count", "money", "boolean")


@dataclass(frozen=True)
class FormPlace:
    """Where a form's marker stands, and what it says."""

    row: int
    column: int
    marker: str


def find_form(sheet: Sheet) -> FormPlace | None:
    """Return the place of a form's marker; None if the sheet is no form."""
    kind = form_texts()["marker"].partition("/")[0] + "/"
    for row, cells in enumerate(sheet.rows[:_FIRST_ROWS]):
        for place, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith(kind):
                return FormPlace(row, place, tidy(cell))
    return None


def read_form(finding: Finding, form: FormPlace) -> None:
    """Add the blocks of a form: one row for each table that it has lines of."""
    texts, sheet = form_texts(), finding.sheet
    if form.marker != texts["marker"]:
        message = f"biểu mẫu của phiên bản khác ({form.marker}); hãy dùng biểu mẫu lập bằng congdoan template"
        finding.add("form_version", message, (form.row, form.column))
        return
    places = {_heading(sheet, form.row, place): place for place in range(form.column)}
    figure = places.get(fold(texts["headings"]["figure"]))
    if figure is None:
        message = f"biểu mẫu thiếu cột «{texts['headings']['figure']}»"
        finding.add("no_column", message, (form.row, form.column), value="")
        return
    lines = _lines(finding, form)
    check_cells(finding, {(row, figure): column for row, (_, column) in lines.items()})
    _refuse_strays(finding, form.row, figure, set(lines))
    remarks = _remarks(sheet, lines, places.get(fold(texts["headings"]["remark"])))
    _add_blocks(finding, lines, figure, remarks)


def _heading(sheet: Sheet, row: int, place: int) -> str:
    return fold(tidy(shown(cell_at(sheet, (row, place)))))


def _lines(finding: Finding, form: FormPlace) -> dict[int, tuple[Table, Column]]:
    """Return what each row holds, by its code."""
    lines: dict[int, tuple[Table, Column]] = {}
    seen: dict[str, int] = {}
    tables = dictionary().tables
    for row in range(len(finding.sheet.rows)):
        code = tidy(shown(cell_at(finding.sheet, (row, form.column))))
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


def _refuse_strays(finding: Finding, header: int, figure: int, known: set[int]) -> None:
    """Name figures that stand beside no line: they would be lost."""
    for row in range(header + 1, len(finding.sheet.rows)):
        if row not in known and cell_at(finding.sheet, (row, figure)) != "":
            message = "số liệu ghi ngoài các dòng của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
            finding.add("stray", message, (row, figure))


def _is_said(sheet: Sheet, at: tuple[int, int]) -> bool:
    return cell_at(sheet, at) != "" or sheet.marks.is_said(at)


def _remarks(sheet: Sheet, lines: dict[int, tuple[Table, Column]], place: int | None) -> list[str]:
    """Return the remarks beside the lines, each with its heading."""
    if place is None:
        return []
    found = (
        (column, tidy(shown(cell_at(sheet, (row, place))))) for row, (_, column) in lines.items()
    )
    text: str = form_texts()["remark_in_note"]
    return [text.format(heading=column.vi, remark=remark) for column, remark in found if remark]


def _add_blocks(
    finding: Finding, lines: dict[int, tuple[Table, Column]], figure: int, remarks: list[str]
) -> None:
    sheet = finding.sheet
    keys = {c.name: row for row, (table, c) in lines.items() if c.name in table.key}
    tables = {table.name: table for table, _ in lines.values()}
    asked = [row for row, (_, column) in lines.items() if column.type.name in _FIGURES]
    # The office's workbook has other sheets that may say something. A unit's form sent back
    # without a figure is passed on as the empty return that it is.
    is_blank = len(tables) > 1 and not any(_is_said(sheet, (row, figure)) for row in asked)
    for table in tables.values():
        rows = {c.name: row for row, (own, c) in lines.items() if own is table}
        rows = {**{name: keys[name] for name in table.key if name in keys}, **rows}
        columns: dict[str, list[Raw]] = {
            name: [cell_at(sheet, (row, figure))] for name, row in rows.items()
        }
        for name in table.key:
            if name not in rows:
                finding.add("no_column", f"biểu mẫu thiếu dòng «{table.columns[name].vi}»")
        if remarks and "note" in rows:
            own = tidy(shown(columns["note"][0]))
            columns["note"] = ["\n".join([own, *remarks] if own else remarks)]
        is_said = any(
            _is_said(sheet, (row, figure)) for n, row in rows.items() if n not in table.key
        )
        if not is_said and not is_blank:
            message = f"biểu mẫu chưa có số liệu nào của «{table.vi}», coi như chưa báo cáo"
            finding.add("nothing_said", message, severity="warning")
            continue
        addresses = {name: address(row, figure) for name, row in rows.items()}
        first = min(rows.values()) + 1
        finding.blocks.append(Block(table, sheet.name, [first], columns, addresses))
