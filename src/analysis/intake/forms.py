"""The Excel files that go out: a form for each expected unit, one for the district, an empty register."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from analysis.intake.writings import MEANS, TASK_CELLS, TASK_MARKER, form_texts, plain
from analysis.language import load_language
from analysis.plan import Indicator, Plan, Task
from analysis.plan.schema import Source, columns_over
from analysis.problems import InputError, error
from analysis.study import Study
from analysis.tables.check import NO_REGISTER
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.files import write_atomically


def write_forms(study: Study, folder: Path, year: int) -> list[Path]:
    """Write the forms of a year: the district's workbook, then one for each unit by id.

    Parameters
    ----------
    study : Study
        The dataset and the plan; the units are those expected in ``year``, or, while the dataset
        has no roster of that year, those of the last earlier year.
    folder : Path
        Where to put them; made if need be.
    year : int
        The year to report on.

    Raises
    ------
    InputError
        If there is no roster to go by, or a file to be written is already there: it may have been
        filled in.
    """
    units, roster_year = _units(study, year)
    district = _file_name("district", study.plan.issuer.id, "", year)
    names = {_file_name("unit", key, row["name"], year): row for key, row in units.iterrows()}
    folder = Path(folder)
    if there := [name for name in (district, *names) if (folder / name).exists()]:
        message = "đã có tệp này trong thư mục, có thể đã được điền; hãy chọn thư mục khác"
        raise InputError([error(message, code="file_exists", file=name) for name in there])
    write_atomically(folder / district, _district_book(study, year, roster_year))
    for name, unit in names.items():
        write_atomically(folder / name, _unit_book(study, year, unit))
    return [folder / name for name in (district, *names)]


def _units(study: Study, year: int) -> tuple[pd.DataFrame, int]:
    known = [one for one in study.dataset.years if one <= year]
    if not known:
        message = NO_REGISTER.format(year=year)
        raise InputError([error(message, code="no_roster", column="year", value=year)])
    # The roster's own row: an empty parent stays empty, whoever it stands for.
    roster = study.dataset.roster
    rows = roster[roster["year"] == known[-1]].set_index("unit_id", drop=False)
    return rows.loc[study.expected_units(known[-1]).index], known[-1]


def _file_name(kind: str, key: Any, name: str, year: int) -> str:
    short = plain(name)[:60].strip("-")
    text: str = form_texts()["file_name"][kind].format(id=key, name=short, year=year)
    return text.replace("__", "_")


def _unit_book(study: Study, year: int, unit: pd.Series) -> bytes:
    tables, unit_id, unit_type = dictionary().tables, str(unit["unit_id"]), str(unit["unit_type"])
    returns = study.dataset.returns
    form = _Form(
        study,
        year,
        unit_type,
        (tables["roster"], tables["returns"]),
        {**unit, "year": year},
        study.cells(unit_id, year - 1) if (year - 1, unit_id) in study.register.index else {},
        _settled(returns[returns["unit_id"] == unit_id], year, study.plan, "units"),
    )
    book = _FormWorkbook(year)
    _write_form(book, "unit", form)
    _write_task_sheet(book, study, unit_id, year, asked_tasks(study, unit_id, unit_type, year))
    _write_guide(book, form)
    return book.finish()


def _district_book(study: Study, year: int, roster_year: int) -> bytes:
    data, issuer = study.dataset, study.plan.issuer.id
    rows = data.district.set_index("year")
    before = rows.loc[year - 1] if year - 1 in rows.index else {}
    since = _settled(data.district, year, study.plan, "district")
    table = dictionary().tables["district"]
    form = _Form(study, year, None, (table,), {"year": year}, before, since)
    book = _FormWorkbook(year)
    _write_form(book, "district", form)
    _write_task_sheet(book, study, issuer, year, asked_tasks(study, issuer, None, year))
    known = [int(one) for one in data.employers["year"].unique() if one <= year]
    employers = data.employers[data.employers["year"] == max(known, default=0)]
    _add_register(book, study, year, "roster", data.roster[data.roster["year"] == roster_year])
    _add_register(book, study, year, "employers", employers)
    _add_register(book, study, year, "lineage", data.lineage.iloc[:0])
    _write_guide(book, form)
    return book.finish()


def write_register(year: int) -> bytes:
    """Return the workbook of an empty register, for the list of a year."""
    texts, columns = form_texts()["register"], dictionary().tables["roster"].columns
    asked = [column for column in columns.values() if column.name != "year"]
    book = _FormWorkbook(year)
    sheet = book.file.add_worksheet(form_texts()["sheets"]["roster"])
    sheet.write_string(0, 0, form_texts()["titles"]["roster"].format(year=year), book.look("title"))
    sheet.write_string(1, 0, texts["hint"], book.look("label"))
    _write_columns(book, sheet, 3, asked, 500)
    for place, column in enumerate(asked):
        if column.name in texts["example"]:
            sheet.write(4, place, texts["example"][column.name], book.input_look(column))
    _lay_out(sheet, landscape=True, header_row=3, locked=False)
    return book.finish()


# Which lines a form asks for, by the dictionary and the plan


def columns_for(table: Table, unit_type: str | None, plan: Plan) -> list[Column]:
    """Return the columns that a unit of this type is asked for; None is the district, asked everything.

    A column that the plan's indicators use is asked of the types in their populations; a column
    that no indicator uses is asked of everybody.
    """
    columns = list(table.columns.values())
    if unit_type is None or table.name == "roster":
        return columns  # who a unit is and how many belong to it: asked of everybody
    return [
        column
        for column in columns
        if not _uses(column, plan, "units") or _uses(column, plan, "units", unit_type)
    ]


def _uses(column: Column, plan: Plan, source: str, unit_type: str | None = None) -> list[Indicator]:
    """Return the plan's indicators that read a column, for one unit type or for all."""
    return [
        item
        for item in plan.indicators
        if item.over == source
        and column.name in item.columns
        and (unit_type is None or unit_type in plan.types_in(item.population))
    ]


def _settled(rows: pd.DataFrame, year: int, plan: Plan, source: Source) -> dict[str, int]:
    """Return what one member reported once and for all before a year, and since when.

    The plan's ``once`` rows say which facts stay; a column that another row asks too is not one.
    """
    found: dict[str, int] = {}
    for name, column in columns_over(source).items():
        asked = _uses(column, plan, source)
        if name in rows and asked and all(item.once for item in asked):
            years = rows.loc[rows[name].fillna(False).astype(bool) & (rows["year"] < year), "year"]
            found |= {name: int(years.min())} if len(years) else {}
    return found


def _limit_of(table: Table, column: Column, unit_type: str | None) -> Column | None:
    """Return the column that this one may not exceed, if the rule holds for the type."""
    if column.at_most is None or unit_type in column.exempt:
        return None
    tables = dictionary().tables
    return {**tables["roster"].columns, **table.columns}[column.at_most]


#: The columns of a form, left to right, with their widths; a hidden one follows.
_COLUMNS = {"number": 5, "item": 52, "unit": 16, "figure": 20, "before": 18, "remark": 32}
_CODE = len(_COLUMNS)
_FIGURE, _REMARK = (list(_COLUMNS).index(name) for name in ("figure", "remark"))
_SPARE_ROWS = 200
_WIDE = {"text": 34, "word": 30, "id": 18, "date": 15}
_Lines = list[tuple[Table, Column]]


@dataclass(frozen=True)
class _Form:
    """What one form is about."""

    study: Study
    year: int
    unit_type: str | None
    #: Whose lines it has; the first one's key says who reports.
    tables: tuple[Table, ...]
    #: What is known for sure, written and locked; last year's figures, for comparison.
    now: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    #: What is not asked again, and the year from which it holds.
    since: Mapping[str, int] = field(default_factory=dict)

    def groups(self) -> list[tuple[str, _Lines]]:
        """Return the groups of lines by their titles; the first one says who reports."""
        found: list[tuple[str, _Lines]] = []
        for table in self.tables:
            asked = columns_for(table, self.unit_type, self.study.plan)
            names = {column.name for column in asked}
            if table is not self.tables[0]:
                names -= {*table.key}
            for column in table.columns.values():
                if column.name in table.groups:
                    found.append((table.groups[column.name], []))
                if column.name in names:
                    found[-1][1].append((table, column))
        return [group for group in found if group[1]]


def _begin_sheet(
    book: _FormWorkbook, study: Study, year: int, kind: str, widths: Iterable[float]
) -> Worksheet:
    """Add a sheet with its columns, its title, and in the third row what to do."""
    texts, widths = form_texts(), [*widths]
    sheet = book.file.add_worksheet(texts["sheets"][kind])
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, study.plan.issuer.name.upper(), book.look("issuer"))
    sheet.write_string(1, 0, texts["titles"][kind].format(year=year), book.look("title"))
    cut_off = load_language(study.params.lang, study.root).date(study.plan.cut_off_in(year))
    hint = texts["instructions"][kind].format(year=year, before=year - 1, cut_off=cut_off)
    sheet.merge_range(2, 0, 2, len(widths) - 1, hint, book.look("hint"))
    _fit_row(sheet, 2, [(hint, sum(widths))])
    return sheet


def _write_form(book: _FormWorkbook, kind: str, form: _Form) -> None:
    """Add the sheet that asks line by line; ``kind`` is ``"unit"`` or ``"district"``."""
    texts = form_texts()
    sheet = _begin_sheet(book, form.study, form.year, kind, _COLUMNS.values())
    sheet.set_column(_CODE, _CODE, 20, None, {"hidden": True})
    (_, facts), *groups = form.groups()
    for row, (table, column) in enumerate(facts, start=4):
        sheet.write_string(row, 1, column.vi, book.look("label"))
        _write_value(book, sheet, (row, _FIGURE), column, form.now.get(column.name), "fact")
        sheet.write_string(row, _CODE, f"{table.name}.{column.name}", book.look("code"))
    row = 5 + len(facts)
    for place, name in enumerate(_COLUMNS):
        text = texts["headings"][name].format(year=form.year - 1)
        sheet.write_string(row, place, text, book.look("heading"))
    sheet.write_string(row, _CODE, texts["marker"], book.look("code"))
    sheet.freeze_panes(row + 1, 0)
    _lay_out(sheet, landscape=False, header_row=row)
    last = _write_lines(book, sheet, row + 1, form, groups)
    _write_paper(book, sheet, last + 2, kind)


def _write_paper(book: _FormWorkbook, sheet: Worksheet, row: int, kind: str) -> None:
    """Add what makes the printed form the signed copy: who filled it in, day, signature.

    The reader stops at the marker in the hidden column: none of it is read.
    """
    texts = form_texts()["paper"]
    sheet.write_string(row, _CODE, texts["marker"], book.look("code"))
    for place, label in enumerate(texts["asked"]):
        sheet.write_string(row + place, 1, label, book.look("label", align="right"))
        sheet.merge_range(row + place, 2, row + place, _FIGURE, "", book.look("blank"))
    lines = [texts["day"], *texts["signers"][kind]]
    for place, line in enumerate(lines):
        look = book.look("label", align="center", italic=place in (0, len(lines) - 1))
        sheet.merge_range(row + place, _FIGURE + 1, row + place, _REMARK, line, look)


def _write_lines(
    book: _FormWorkbook, sheet: Worksheet, row: int, form: _Form, groups: list[tuple[str, _Lines]]
) -> int:
    """Write the groups of lines; return the last row."""
    rows: dict[str, int] = {}
    for place, (title, lines) in enumerate(groups):
        for column_number in range(len(_COLUMNS)):
            sheet.write_blank(row, column_number, None, book.look("group"))
        sheet.write_string(row, 0, "ABCDEFGHIKLM"[place], book.look("group", align="center"))
        sheet.write_string(row, 1, title, book.look("group"))
        rows |= {column.name: row + number for number, (_, column) in enumerate(lines, start=1)}
        row += 1 + len(lines)
    every = (line for _, lines in groups for line in lines)
    for number, (table, column) in enumerate(every, start=1):
        sheet.write_number(rows[column.name], 0, number, book.look("middle"))
        _write_line(book, sheet, rows, form, (table, column))
    return row - 1


def _write_line(
    book: _FormWorkbook,
    sheet: Worksheet,
    rows: Mapping[str, int],
    form: _Form,
    line: tuple[Table, Column],
) -> None:
    table, column = line
    row = rows[column.name]
    sheet.write_string(row, 1, column.vi, book.look("text"))
    sheet.write_string(row, 2, column.unit, book.look("middle"))
    if column.name in form.since:
        # Without a code, so the reader looks for nothing here.
        text = form_texts()["since"].format(year=form.since[column.name])
        for place, shown in enumerate(("", text, ""), start=_FIGURE):
            sheet.write(row, place, shown, book.look("before"))
        return
    sheet.write_blank(row, _FIGURE, None, book.input_look(column))
    is_note = column.type.name == "text"
    before = None if is_note else form.before.get(column.name)
    _write_value(book, sheet, (row, _FIGURE + 1), column, before, "before")
    sheet.write_blank(row, _REMARK, None, book.look("text" if is_note else "remark"))
    sheet.write_string(row, _CODE, f"{table.name}.{column.name}", book.look("code"))
    whole = _limit_of(table, column, form.unit_type)
    limit = None
    if whole is not None and whole.name in rows:
        limit = (xl_rowcol_to_cell(rows[whole.name], _FIGURE, True, True), whole.vi)
    book.add_rule(sheet, (row, _FIGURE, row, _FIGURE), column, limit)
    labels = dictionary().words[column.word_list].values() if column.words else ()
    answers = [(label, min(_COLUMNS["figure"], _COLUMNS["before"])) for label in labels]
    _fit_row(sheet, row, [(column.vi, _COLUMNS["item"]), (column.unit, _COLUMNS["unit"]), *answers])


def _write_value(
    book: _FormWorkbook,
    sheet: Worksheet,
    at: tuple[int, int],
    column: Column,
    value: Any,
    look: Any,
) -> None:
    """Write a typed cell as people read it: có/không, the label of a word, a true date.

    ``look`` is a format, or the name of one that the cell's type completes.
    """
    kind = column.type.name
    if isinstance(look, str):
        look = book.look(look, **_number_format(column))
    if value is None or pd.isna(value):
        sheet.write_blank(*at, None, look)
    elif kind == "boolean":
        sheet.write_string(*at, form_texts()["answers"][str(bool(value)).lower()], look)
    elif kind == "word":
        sheet.write_string(*at, dictionary().words[column.word_list][value], look)
    elif kind == "date":
        sheet.write_datetime(*at, value.to_pydatetime(), look)
    elif kind in ("id", "text"):
        sheet.write_string(*at, str(value), look)
    else:
        sheet.write_number(*at, float(value), look)


# Registers


def _add_register(
    book: _FormWorkbook, study: Study, year: int, name: str, rows: pd.DataFrame
) -> None:
    """Add a register: who is who as last known, the year's counts empty."""
    columns = [one for one in dictionary().tables[name].columns.values() if one.name != "year"]
    widths = (_WIDE.get(column.type.name, 14) for column in columns)
    sheet = _begin_sheet(book, study, year, name, widths)
    if name != "lineage":  # an event has a day
        column = dictionary().tables[name].columns["year"]
        sheet.write_string(3, 0, column.vi, book.look("label"))
        _write_value(book, sheet, (3, 1), column, year, "fact")
    _write_columns(book, sheet, 4, columns, 4 + len(rows) + _SPARE_ROWS)
    for place, column in enumerate(columns):
        if column.type.name not in ("count", "money"):
            for below, value in enumerate(rows[column.name], start=5):
                _write_value(book, sheet, (below, place), column, value, book.input_look(column))
    _lay_out(sheet, landscape=True, header_row=4)


def _write_columns(
    book: _FormWorkbook, sheet: Worksheet, header: int, columns: list[Column], last: int
) -> None:
    """Write the headings of a register, and below them cells to be filled in, with their rules."""
    places = {column.name: place for place, column in enumerate(columns)}
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDE.get(column.type.name, 14))
        sheet.write_string(header, place, column.vi, book.look("heading"))
        for row in range(header + 1, last + 1):
            sheet.write_blank(row, place, None, book.input_look(column))
        limit = None
        # Whether a row's type is excepted from the rule is only known when it is filled in.
        if column.at_most and not column.exempt:
            whole = places[column.at_most]
            limit = xl_rowcol_to_cell(header + 1, whole, False, True), columns[whole].vi
        book.add_rule(sheet, (header + 1, place, last, place), column, limit)
    sheet.set_row(header, 34)
    sheet.freeze_panes(header + 1, 2)


# Tasks


def asked_tasks(study: Study, holder: str, unit_type: str | None, year: int) -> list[Task]:
    """Return the tasks that a holder is still asked about in a year; the issuer has no unit type.

    Neither what an indicator tells, nor what was done once and for all.
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


#: Before what is asked: number, task, due, what to name.
_FIRST_ASKED = 4
_TASK_CODE = _FIRST_ASKED + len(TASK_CELLS)
_HOLDER_ROW, _YEAR_ROW, _HEADING_ROW = 3, 4, 6


def _write_task_sheet(
    book: _FormWorkbook, study: Study, holder: str, year: int, tasks: list[Task]
) -> None:
    """Add the sheet to a form; nothing where no task is asked about."""
    if not tasks:
        return
    texts, tables = form_texts(), dictionary().tables
    widths = [5, 44, 14, 26, *TASK_CELLS.values()]
    sheet = _begin_sheet(book, study, year, "tasks", widths)
    sheet.set_column(_TASK_CODE, _TASK_CODE, 20, None, {"hidden": True})
    columns = tables["tasks"].columns
    sheet.write_string(_HOLDER_ROW, 1, columns["holder_id"].vi, book.look("label"))
    sheet.write_string(_HOLDER_ROW, 2, holder, book.look("fact", num_format="@"))
    sheet.write_string(_YEAR_ROW, 1, columns["year"].vi, book.look("label"))
    sheet.write_number(_YEAR_ROW, 2, year, book.look("fact", num_format="0"))
    asked = [tables[table].columns[name] for table, name in TASK_CELLS]
    headings = [*texts["task_headings"].values(), *(column.vi for column in asked)]
    for place, heading in enumerate(headings):
        sheet.write_string(_HEADING_ROW, place, heading, book.look("heading"))
    sheet.write_string(_HEADING_ROW, _TASK_CODE, texts[TASK_MARKER], book.look("code"))
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
        for place, ((_, name), column) in enumerate(
            zip(TASK_CELLS, asked, strict=True), start=_FIRST_ASKED
        ):
            is_asked = name != "count" or bool(task.count)
            look = book.input_look(column) if is_asked else book.look("before")
            sheet.write_blank(row, place, None, look)
        # The code with its label: so it is seen where one of them was moved.
        sheet.write_string(row, _TASK_CODE, f"{task.id}{MEANS}{told[0]}", book.look("code"))
        _fit_row(sheet, row, [(told[0], 44), (told[2], 26)])
    for place, column in enumerate(asked, start=_FIRST_ASKED):
        book.add_rule(sheet, (first, place, last, place), column)
    sheet.freeze_panes(first, 2)
    _lay_out(sheet, landscape=True, header_row=_HEADING_ROW)


# What each line means


def _write_guide(book: _FormWorkbook, form: _Form) -> None:
    """Add the sheet that explains each line by the dictionary and the plan."""
    texts = form_texts()
    sheet = book.file.add_worksheet(texts["sheets"]["guide"])
    names = {"number": 5, "item": 40, "unit": 16, "meaning": 52, "rule": 34, "plan": 70}
    sheet.write_string(0, 0, texts["titles"]["guide"], book.look("title"))
    for place, (name, width) in enumerate(names.items()):
        sheet.set_column(place, place, width)
        sheet.write_string(2, place, texts["headings"][name], book.look("heading"))
    lines = [line for _, lines in form.groups()[1:] for line in lines]
    for number, (table, column) in enumerate(lines, start=1):
        whole = _limit_of(table, column, form.unit_type)
        rule = texts["at_most"].format(heading=whole.vi) if whole is not None else ""
        plan = "\n".join(_plan_lines(form, column)) or texts["not_in_plan"]
        cells = [column.vi, column.unit, column.meaning, rule, plan]
        sheet.write_number(number + 2, 0, number, book.look("middle"))
        for place, text in enumerate(cells, start=1):
            sheet.write_string(number + 2, place, text, book.look("text"))
        _fit_row(sheet, number + 2, zip(cells, list(names.values())[1:], strict=True))
    sheet.freeze_panes(3, 0)
    _lay_out(sheet, landscape=True, header_row=2)


def _plan_lines(form: _Form, column: Column) -> list[str]:
    texts, lines = form_texts(), []
    language = load_language(form.study.params.lang, form.study.root)
    source = "district" if form.unit_type is None else "units"
    for item in _uses(column, form.study.plan, source, form.unit_type):
        words = {"section": item.section, "title": item.title}
        target = item.target_in(form.year)
        if target is None:
            lines.append(texts["usage"].format(**words))
            continue
        bar = language.say("bar", target, item.unit, item.is_fraction)
        lines.append(texts["usage_target"].format(**words, target=bar))
    return lines


# How a form looks and what its cells accept: formats, protection, input rules of Excel

_FONT = {"font_name": "Times New Roman", "font_size": 12, "valign": "vcenter", "text_wrap": True}
_LINE = {"border": 1, "border_color": "#7f7f7f"}
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 15, "text_wrap": False},
    "issuer": {"bold": True, "text_wrap": False},
    "hint": {"italic": True, "text_wrap": True, "valign": "top"},
    "heading": {**_LINE, "bold": True, "align": "center", "bg_color": "#d9e2ec"},
    "group": {**_LINE, "bold": True, "bg_color": "#f0f3f6"},
    "text": _LINE,
    "middle": {**_LINE, "align": "center"},
    "fact": {"align": "left", "text_wrap": False, "bold": True},
    "label": {"text_wrap": False},
    "before": {**_LINE, "align": "right", "font_color": "#555555"},
    "code": {"font_color": "#999999", "font_size": 8, "text_wrap": False},
    "remark": {**_LINE, "locked": False},
    "input": {**_LINE, "bg_color": "#fff8d6", "locked": False},
    "blank": {"bottom": 4, "locked": False, "num_format": "@"},
}
_NUMBER_FORMATS = {
    "count": "#,##0",
    "money": "#,##0",
    "date": "dd/mm/yyyy",
    "share": "0.0%",
    "id": "@",
    "text": "@",
    "year": "0",
}
_DAYS = (date(1900, 1, 1), date(2100, 12, 31))
#: What XlsxWriter allows in a validation's title and message.
_TITLE, _MESSAGE = 32, 255
_MOST_TEXT = 2000
#: In points, for the forms' font.
_LINE_HEIGHT = 17.0
#: Letters of the forms' font on a unit of column width, words wrapped.
_FILLED = 1.1


class _FormWorkbook:
    """A workbook in memory, with the formats and rules of the forms."""

    def __init__(self, year: int) -> None:
        self._buffer = io.BytesIO()
        self.file = xlsxwriter.Workbook(self._buffer, {"in_memory": True})
        # The same input gives the same bytes: no clock in the file.
        self.file.set_properties({"created": datetime(year, 1, 1)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def finish(self) -> bytes:
        """Add the sheet that the drop-downs take their words from; return the workbook's bytes."""
        self._write_words()
        self.file.close()
        return self._buffer.getvalue()

    def look(self, name: str, **extra: Any) -> Any:
        """Return a named format."""
        spec = {**_FONT, **_FORMATS[name], **extra}
        key = tuple(sorted(spec.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(spec)
        return self._formats[key]

    def input_look(self, column: Column) -> Any:
        """Return the format of a cell to be filled in."""
        align = "right" if column.type.name in ("count", "money", "share") else "left"
        return self.look("input", align=align, **_number_format(column))

    def _write_words(self) -> None:
        texts = form_texts()
        sheet = self.file.add_worksheet(texts["sheets"]["words"])
        sheet.write_string(0, 0, texts["titles"]["words"], self.look("title"))
        for place, (name, labels) in enumerate(dictionary().words.items()):
            sheet.set_column(place, place, 36)
            for row, label in enumerate(labels.values(), start=2):
                sheet.write_string(row, place, label, self.look("text"))
            first, last = (xl_rowcol_to_cell(r, place, True, True) for r in (2, len(labels) + 1))
            reference = f"='{texts['sheets']['words']}'!{first}:{last}"
            assert self.file.define_name(f"danh_muc_{name}", reference) == 0
        _lay_out(sheet, landscape=True, header_row=0)

    def add_rule(
        self,
        sheet: Worksheet,
        cells: tuple[int, int, int, int],
        column: Column,
        limit: tuple[str, str] | None = None,
    ) -> None:
        """Let cells (first row and column, last row and column) accept only what their column may hold.

        ``limit`` is the cell that may not be exceeded, relative to the first of them, and its heading.
        """
        rules = form_texts()["rules"]
        here = xl_rowcol_to_cell(cells[0], cells[1])
        rule, message = _rule(column, here, limit)
        rule |= {
            "error_title": rules["title"][:_TITLE],
            "error_message": message[:_MESSAGE],
            "error_type": "stop",
            "input_title": _shorten(column.vi, _TITLE),
            "input_message": _shorten(column.meaning, _MESSAGE),
        }
        # XlsxWriter only returns what it refuses.
        assert sheet.data_validation(*cells, rule) == 0, (column.name, rule)


def _number_format(column: Column) -> dict[str, str]:
    kind = column.type.name
    return {"num_format": _NUMBER_FORMATS[kind]} if kind in _NUMBER_FORMATS else {}


def _rule(column: Column, here: str, limit: tuple[str, str] | None) -> tuple[dict[str, Any], str]:
    texts, kind = form_texts(), column.type
    message = texts["rules"].get(kind.name, texts["rules"]["text"])
    if kind.name in ("count", "money"):
        if limit is not None:
            cell, heading = limit
            # An empty whole is not zero: the part may be typed first.
            whole = f'OR({cell}="",{here}<={cell})'
            formula = f"=AND(ISNUMBER({here}),{here}>=0,{here}=INT({here}),{whole})"
            at_most = texts["at_most"].format(heading=heading)
            part: str = texts["rules"]["part"].format(at_most=at_most)
            return {"validate": "custom", "value": formula}, part
        message = message.format(largest=f"{kind.largest:,}".replace(",", "."))
    most = 32 if kind.name == "id" else _MOST_TEXT
    between: dict[str, Any] = {"criteria": "between", "minimum": 0, "maximum": kind.largest}
    rules: dict[str, dict[str, Any]] = {
        "count": {"validate": "integer", **between},
        "money": {"validate": "integer", **between},
        "boolean": {"validate": "list", "source": list(texts["answers"].values())},
        "word": {"validate": "list", "source": f"=danh_muc_{column.word_list}"},
        "date": {"validate": "date", **between, "minimum": _DAYS[0], "maximum": _DAYS[1]},
        "share": {"validate": "decimal", **between, "maximum": 1},
    }
    text = {"validate": "length", "criteria": "<=", "value": most}
    return rules.get(kind.name, text), message


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _fit_row(sheet: Worksheet, row: int, cells: Iterable[tuple[str, float]]) -> None:
    """Make a row high enough for texts wrapped in columns of some width; programs differ in doing that."""
    lines = [
        sum(max(1, math.ceil(len(part) / (width * _FILLED))) for part in text.split("\n"))
        for text, width in cells
    ]
    sheet.set_row(row, _LINE_HEIGHT * max(lines, default=1))


def _lay_out(sheet: Worksheet, *, landscape: bool, header_row: int, locked: bool = True) -> None:
    """Make a sheet print on A4, one page wide, its headings repeated."""
    sheet.set_paper(9)
    if landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(0.5, 0.5, 0.6, 0.6)
    sheet.repeat_rows(header_row)
    sheet.hide_gridlines(2)
    sheet.set_footer("&C&P/&N")
    if locked:
        # Whoever needs to can unlock it without a password.
        sheet.protect(
            "", {"format_columns": True, "format_rows": True, "select_locked_cells": True}
        )
