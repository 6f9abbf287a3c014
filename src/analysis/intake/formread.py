"""Reading a filled form back, and its sheet of tasks: each line by the code in its hidden column."""

from __future__ import annotations

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.sheets import (
    At,
    Block,
    Sheet,
    SheetReading,
    address,
    check_cells,
    own_notes,
    stated_above,
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


def find_form(sheet: Sheet, marker: str = "marker") -> At | None:
    """Return the place of a form's marker, whatever its version; None if the sheet is no such form."""
    kind = form_texts()[marker].partition("/")[0] + "/"
    for row, cells in enumerate(sheet.rows[:_FIRST_ROWS]):
        for place, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith(kind):
                return row, place
    return None


def _is_current(reading: SheetReading, at: At, marker: str) -> bool:
    """Tell whether a form is of this version; refuse it otherwise."""
    found = reading.sheet.text(*at)
    if found == form_texts()[marker]:
        return True
    message = f"biểu mẫu của phiên bản khác ({found}); hãy điền vào biểu mẫu mới của cơ quan"
    reading.add("form_version", message, at, advice="lập biểu mẫu mới bằng congdoan template")
    return False


def _places(reading: SheetReading, at: At, headings: dict[str, str], told: str) -> dict[str, int]:
    """Return the columns of the headings left of the marker; name those that are gone."""
    row, end = at
    there = {fold(reading.sheet.text(row, place)): place for place in range(end)}
    for heading in headings.values():
        if told and fold(heading) not in there:
            reading.add("no_column", f"{told} thiếu cột «{heading}»", at, value="")
    found = {name: there.get(fold(heading)) for name, heading in headings.items()}
    return {name: place for name, place in found.items() if place is not None}


def read_form(reading: SheetReading, at: At) -> None:
    """Add the blocks of a form: one row for each table that it has lines of."""
    if not _is_current(reading, at, "marker"):
        return
    headings = form_texts()["headings"]
    needed = {name: headings[name] for name in ("item", "figure")}
    places = _places(reading, at, needed, "biểu mẫu")
    if len(places) == len(needed):
        # The heading of last year's column has a year in it: it stands between its neighbours.
        others = {name: headings[name] for name in ("unit", "remark")}
        _FormReading(reading, at, places | _places(reading, at, others, "")).read()


class _FormReading:
    """One form being read: its lines are the rows that have a code in the hidden column."""

    def __init__(self, reading: SheetReading, at: At, places: dict[str, int]) -> None:
        self.reading, self.sheet, self.places = reading, reading.sheet, places
        self.header, self.hidden = at
        self.figure = places["figure"]
        # Below the marker it is paper: who filled it in and signs, nothing to keep.
        codes = [self.sheet.text(row, self.hidden) for row in range(len(self.sheet.rows))]
        paper = form_texts()["paper"]["marker"]
        self.end = codes.index(paper) if paper in codes else len(codes)
        self.lines: dict[int, tuple[Table, Column]] = {}
        for row, code in enumerate(codes[: self.end]):
            if code != "" and row != self.header:
                self._add_line(row, code, codes.index(code))

    def _add_line(self, row: int, code: str, first: int) -> None:
        tables, at = dictionary().tables, (row, self.hidden)
        table, _, column = code.partition(".")
        if table not in tables or column not in tables[table].columns:
            self.reading.add("unknown_line", "dòng lạ, biểu mẫu không có dòng này", at)
        elif first != row:
            message = f"dòng lặp lại, đã có ở dòng {first + 1}"
            self.reading.add("duplicate_line", message, at)
        else:
            self.lines[row] = (tables[table], tables[table].columns[column])

    def read(self) -> None:
        self._compare_labels()
        used = {(row, self.figure): column for row, (_, column) in self.lines.items()}
        check_cells(self.reading, used)
        self._refuse_strays()
        self._tell_beside()
        self._add_blocks(self._remarks())

    def _compare_labels(self) -> None:
        """Refuse lines whose words are no longer those of their hidden code: the figures moved, or changed."""
        item, unit = self.places["item"], self.places.get("unit")
        for row, (_, column) in self.lines.items():
            if loosely(self.sheet.text(row, item)) != loosely(column.vi):
                message = (
                    f"dòng này của biểu mẫu là «{column.vi}», nhãn ghi khác: nhãn hoặc số liệu đã bị chuyển "
                    "chỗ hay sửa; hãy chép số liệu vào biểu mẫu chưa sửa"
                )
                self.reading.add("other_label", message, (row, item), column=column.name)
            if unit is None or row < self.header or not column.type.is_number:
                continue
            stated = self.sheet.text(row, unit)
            if stated and find(fold(stated), units()) != column.unit:
                message = f"dòng này của biểu mẫu tính bằng «{column.unit}»; hãy ghi lại số và đơn vị tính"
                self.reading.add("other_unit", message, (row, unit), column=column.name)
        for one in stated_above(self.reading, self.header):
            if one.worth != 1:
                message = f"biểu mẫu ghi tiền bằng {one.text}, ở đây cần đồng: hãy đổi ra đồng"
                self.reading.add("other_unit", message, one.at)

    def _refuse_strays(self) -> None:
        """Name figures that stand beside no line, and cells beyond the form: they would be lost."""
        for row in range(self.header + 1, self.end):
            if row not in self.lines and self.sheet[row, self.figure] != "":
                message = (
                    "số liệu ghi ngoài các dòng của biểu mẫu; hãy chuyển vào đúng dòng hoặc xóa"
                )
                self.reading.add("stray", message, (row, self.figure))
            for place in range(self.hidden + 1, len(self.sheet.rows[row])):
                if self.sheet[row, place] != "":
                    message = "ô nằm ngoài biểu mẫu, không lấy vào"
                    self.reading.add("stray", message, (row, place), severity="warning")

    def _tell_beside(self) -> None:
        """Tell of figures beside an empty one: they may have been typed into the wrong column."""
        heading = form_texts()["headings"]["figure"]
        empty = [
            row
            for row in self.lines
            if row > self.header and not self.sheet.is_said((row, self.figure))
        ]
        for place in range(self.figure + 1, self.hidden):
            # In last year's column everything is a figure; a remark is one only if it is a number.
            is_remark = place == self.places.get("remark")
            raws = {row: self.sheet[row, place] for row in empty}
            rows = [
                n for n, raw in raws.items() if raw != "" and (not is_remark or _is_number(raw))
            ]
            if rows:
                cells = ", ".join(address(row, place) for row in rows)
                message = (
                    f"cột «{heading}» bỏ trống mà ở đây có số ({cells}), không lấy làm số liệu của năm; "
                    f"nếu gõ nhầm cột thì hãy chuyển sang cột «{heading}»"
                )
                self.reading.add("beside", message, (rows[0], place), severity="warning")

    def _remarks(self) -> list[str]:
        """Return what is remarked beside the lines or hung on their cells, each with its heading."""
        place = self.places.get("remark")
        found = [
            (column, self.sheet.text(row, place))
            for row, (_, column) in self.lines.items()
            if place is not None
        ]
        for at, note in own_notes(self.sheet.marks).items():
            if at[0] in self.lines:
                found.append((self.lines[at[0]][1], note))
            else:
                tell_note(self.reading, at, note)
        text: str = form_texts()["remark_in_note"]
        return [text.format(heading=column.vi, remark=remark) for column, remark in found if remark]

    def _add_blocks(self, remarks: list[str]) -> None:
        keys = {c.name: row for row, (table, c) in self.lines.items() if c.name in table.key}
        tables = {table.name: table for table, _ in self.lines.values()}
        figures = [r for r, (_, column) in self.lines.items() if column.type.name in _FIGURES]
        # The office's workbook has other sheets that may say something. A unit's form sent back
        # without a figure is passed on as the empty return that it is.
        is_blank = len(tables) > 1 and not self._says_something(figures)
        for table in tables.values():
            rows = {name: keys[name] for name in table.key if name in keys}
            rows |= {c.name: row for row, (own, c) in self.lines.items() if own is table}
            columns: dict[str, list[Raw]] = {
                n: [self.sheet[r, self.figure]] for n, r in rows.items()
            }
            for name in table.key:
                if name not in rows:
                    message = f"biểu mẫu thiếu dòng «{table.columns[name].vi}»"
                    self.reading.add("no_column", message)
            if remarks and "note" in table.columns:
                own = tidy(shown(columns.get("note", [""])[0]))
                columns["note"] = ["\n".join([own, *remarks] if own else remarks)]
            told = [row for name, row in rows.items() if name not in table.key]
            if not is_blank and not self._says_something(told):
                message = f"biểu mẫu chưa có số liệu nào của «{table.vi}», coi như chưa báo cáo"
                self.reading.add("nothing_said", message, severity="warning")
                continue
            addresses = {name: address(row, self.figure) for name, row in rows.items()}
            first = min(rows.values()) + 1
            block = Block(table, self.sheet.name, [first], columns, addresses)
            self.reading.blocks.append(block)

    def _says_something(self, rows: list[int]) -> bool:
        return any(self.sheet.is_said((row, self.figure)) for row in rows)


def _is_number(raw: Raw) -> bool:
    return not isinstance(raw, bool | str) or (
        isinstance(raw, str) and raw.strip(" .,%")[:1].isdigit() and not any(map(str.isalpha, raw))
    )


# The sheet of tasks


def read_task_sheet(reading: SheetReading, at: At) -> None:
    """Add what is said of tasks, and what is cited for them: a row each where anything is said."""
    sheet, tables = reading.sheet, dictionary().tables
    if not _is_current(reading, at, TASK_MARKER):
        return
    asked = {name: tables[table].columns[name] for table, name in TASK_CELLS}
    headings = {"item": form_texts()["task_headings"]["item"]}
    headings |= {name: column.vi for name, column in asked.items()}
    places = _places(reading, at, headings, "trang nhiệm vụ")
    facts = _task_facts(reading, at[0])
    if len(places) < len(headings) or facts is None:
        return
    rows = _task_rows(reading, at, places)
    check_cells(reading, {(r, places[key]): column for key, column in asked.items() for r in rows})
    for table in ("tasks", "evidence"):
        own = [name for of, name in TASK_CELLS if of == table]
        told = [r for r in rows if any(sheet.is_said((r, places[name])) for name in own)]
        if not told:
            continue
        columns: dict[str, list[Raw]] = {key: [sheet[facts[key]]] * len(told) for key in facts}
        columns["task_id"] = [rows[r] for r in told]
        if table == "evidence":
            columns["number"] = [1] * len(told)
        columns |= {name: [sheet[r, places[name]] for r in told] for name in own}
        addresses = {key: address(*facts[key]) for key in facts}
        cells = {"task_id": places["item"]} | {name: places[name] for name in own}
        addresses |= {name: f"{xl_col_to_name(place)}{{row}}" for name, place in cells.items()}
        numbers = [r + 1 for r in told]
        reading.blocks.append(Block(tables[table], sheet.name, numbers, columns, addresses))


def _task_facts(reading: SheetReading, header: int) -> dict[str, At] | None:
    """Return the cells that say whose tasks of which year these are, beside their labels."""
    labels = {fold(reading.sheet.text(row, 1)): (row, 2) for row in range(header)}
    columns = [dictionary().tables["tasks"].columns[name] for name in ("year", "holder_id")]
    lacking = [column.vi for column in columns if fold(column.vi) not in labels]
    for heading in lacking:
        reading.add("no_column", f"trang nhiệm vụ thiếu dòng «{heading}»")
    return None if lacking else {column.name: labels[fold(column.vi)] for column in columns}


def _task_rows(reading: SheetReading, at: At, places: dict[str, int]) -> dict[int, str]:
    """Return the task of each row; refuse what stands beside none, and labels that are not its own."""
    sheet, item = reading.sheet, places["item"]
    rows: dict[int, str] = {}
    for row in range(at[0] + 1, len(sheet.rows)):
        task, _, label = sheet.text(row, at[1]).partition(MEANS)
        if not task:
            for place in places.values():
                if place != item and sheet.is_said((row, place)):
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
