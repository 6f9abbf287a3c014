"""The sheets of a form: which lines it asks for, by the dictionary and the plan; registers, explanations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from analysis.intake.formstyle import FormWorkbook, fit_row, protect, set_page
from analysis.intake.formtexts import form_texts
from analysis.language.language import Language, load_language
from analysis.plan import Indicator, Plan
from analysis.plan.schema import Source, columns_over
from analysis.study import Study
from analysis.tables.dictionary import Column, Table, dictionary


def columns_for(table: Table, unit_type: str | None, plan: Plan) -> list[Column]:
    """Return the columns that a unit of this type is asked for.

    A column that the plan's indicators use is asked of the types in their populations; a column
    that no indicator uses is asked of everybody.

    Parameters
    ----------
    table : Table
        ``roster``, ``returns`` or ``district``.
    unit_type : str or None
        A word of the dictionary; None for the district, which is asked for everything.
    plan : Plan
        The catalogue.
    """
    return [
        column
        for column in table.columns.values()
        if unit_type is None or unit_type in (types_asked(table, column, plan) or {unit_type})
    ]


def types_asked(table: Table, column: Column, plan: Plan) -> frozenset[str]:
    """Return the unit types whose indicators use a column; empty if no indicator does."""
    if table.name == "roster":  # who a unit is and how many belong to it: asked of everybody
        return frozenset()
    used = uses(column, plan, "units")
    return frozenset().union(*(plan.types_in(item.population) for item in used))


def uses(column: Column, plan: Plan, source: str, unit_type: str | None = None) -> list[Indicator]:
    """Return the plan's indicators that read a column, for one unit type or for all."""
    return [
        item
        for item in plan.indicators
        if item.over == source
        and column.name in set(_columns(item))
        and (unit_type is None or unit_type in plan.types_in(item.population))
    ]


def _columns(item: Indicator) -> Iterator[str]:
    yield from item.numerator
    yield from item.denominator
    for condition in (*item.holds, *item.applies_if, *item.members_if):
        yield from condition.columns


def settled(rows: pd.DataFrame, year: int, plan: Plan, source: Source) -> dict[str, int]:
    """Return what one member reported once and for all before a year, and since when.

    Parameters
    ----------
    rows : DataFrame
        The member's own rows of ``returns`` or ``district``.
    year : int
        The year to report on.
    plan : Plan
        Its ``once`` rows say which facts stay; a column that another row asks too is not one.
    source : {"units", "district"}
        What the rows are of.
    """
    found: dict[str, int] = {}
    for name, column in columns_over(source).items():
        asked = uses(column, plan, source)
        if name in rows and asked and all(item.once for item in asked):
            years = rows.loc[rows[name].fillna(False).astype(bool) & (rows["year"] < year), "year"]
            found |= {name: int(years.min())} if len(years) else {}
    return found


def limit_of(table: Table, column: Column, unit_type: str | None) -> Column | None:
    """Return the column that this one may not exceed, if the rule holds for the type."""
    if column.at_most is None or unit_type in column.exempt:
        return None
    tables = dictionary().tables
    return {**tables["roster"].columns, **table.columns}[column.at_most]


#: The columns of a form, left to right, with their widths; the last one is hidden.
_COLUMNS = {"number": 5, "item": 52, "unit": 16, "figure": 20, "before": 18, "remark": 32}
_CODE = len(_COLUMNS)
_FIGURE, _REMARK = (list(_COLUMNS).index(name) for name in ("figure", "remark"))
_SPARE_ROWS = 200
_WIDE = {"text": 34, "word": 30, "id": 18, "date": 15}
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """What one form is about.

    Attributes
    ----------
    study : Study
        The dataset and the plan.
    year : int
        The year to report on.
    unit_type : str or None
        None for the district.
    tables : tuple of Table
        Whose lines it has; the first one's key says who reports.
    now, before : mapping of str to object
        What is known for sure, written and locked; last year's figures, for comparison.
    since : mapping of str to int
        What is not asked again, and the year from which it holds.
    """

    study: Study
    year: int
    unit_type: str | None
    tables: tuple[Table, ...]
    now: Cells = field(default_factory=dict)
    before: Cells = field(default_factory=dict)
    since: Mapping[str, int] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What the plan's indicators on these lines are counted over."""
        return "district" if self.unit_type is None else "units"

    def columns(self, table: Table) -> list[Column]:
        """Return the lines that the form has of a table; keys stand once."""
        asked = columns_for(table, self.unit_type, self.study.plan)
        return asked if table is self.tables[0] else [c for c in asked if c.name not in table.key]

    @property
    def language(self) -> Language:
        """The language of the study."""
        return load_language(self.study.params.lang, self.study.root)


def write_form(book: FormWorkbook, kind: str, form: Form) -> None:
    """Add the sheet that asks line by line; ``kind`` is ``"unit"`` or ``"district"``."""
    texts = form_texts()
    sheet = book.file.add_worksheet(texts["sheets"][kind])
    for place, width in enumerate(_COLUMNS.values()):
        sheet.set_column(place, place, width)
    sheet.set_column(_CODE, _CODE, 20, None, {"hidden": True})
    row = _write_top(book, sheet, kind, form)
    first, *rest = _groups(form)
    for table, column in first[1]:
        sheet.write_string(row, 1, column.vi, book.look("label"))
        _write_value(book, sheet, (row, _FIGURE), column, form.now.get(column.name), "fact")
        sheet.write_string(row, _CODE, f"{table.name}.{column.name}", book.look("code"))
        row += 1
    row += 1
    for place, name in enumerate(_COLUMNS):
        text = texts["headings"][name].format(year=form.year - 1)
        sheet.write_string(row, place, text, book.look("heading"))
    sheet.write_string(row, _CODE, texts["marker"], book.look("code"))
    name = f"='{texts['sheets'][kind]}'!{xl_rowcol_to_cell(row, _CODE, True, True)}"
    assert book.file.define_name("congdoan_form", name) == 0
    sheet.freeze_panes(row + 1, 0)
    set_page(sheet, landscape=False, header_row=row)
    last = _write_lines(book, sheet, row + 1, form, rest)
    _write_paper(book, sheet, last + 2, kind)
    protect(sheet)


def _write_top(book: FormWorkbook, sheet: Worksheet, kind: str, form: Form) -> int:
    texts, plan = form_texts(), form.study.plan
    sheet.write_string(0, 0, plan.issuer.name.upper(), book.look("issuer"))
    title = texts["titles"][kind].format(year=form.year)
    sheet.write_string(1, 0, title, book.look("title"))
    hint = (
        texts["instructions"]
        .get(kind, "")
        .format(
            year=form.year,
            before=form.year - 1,
            cut_off=form.language.date(plan.cut_off_in(form.year)),
        )
    )
    if hint:
        sheet.merge_range(2, 0, 2, len(_COLUMNS) - 1, hint, book.look("hint"))
        fit_row(sheet, 2, [(hint, sum(_COLUMNS.values()))])
    return 4 if hint else 3


_Group = tuple[str, list[tuple[Table, Column]]]


def _groups(form: Form) -> list[_Group]:
    """Return the form's groups of lines; the first one says who reports."""
    found: list[_Group] = []
    for table in form.tables:
        asked = {column.name for column in form.columns(table)}
        for column in table.columns.values():
            if column.name in table.groups:
                found.append((table.groups[column.name], []))
            if column.name in asked:
                found[-1][1].append((table, column))
    return [group for group in found if group[1]]


def _write_paper(book: FormWorkbook, sheet: Worksheet, row: int, kind: str) -> None:
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
    book: FormWorkbook, sheet: Worksheet, row: int, form: Form, groups: list[_Group]
) -> int:
    """Write the groups of lines; return the last row."""
    rows = _line_rows(row, groups)
    number = 0
    for place, (title, lines) in enumerate(groups):
        above = rows[lines[0][1].name] - 1
        for column_number in range(len(_COLUMNS)):
            sheet.write_blank(above, column_number, None, book.look("group"))
        sheet.write_string(above, 0, "ABCDEFGHIKLM"[place], book.look("group", align="center"))
        sheet.write_string(above, 1, title, book.look("group"))
        for table, column in lines:
            number += 1
            _write_line(book, sheet, (number, rows), form, (table, column))
    return max(rows.values())


def _line_rows(row: int, groups: list[_Group]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for _, lines in groups:
        row += 1
        for _, column in lines:
            rows[column.name] = row
            row += 1
    return rows


def _write_line(
    book: FormWorkbook,
    sheet: Worksheet,
    place: tuple[int, Mapping[str, int]],
    form: Form,
    line: tuple[Table, Column],
) -> None:
    (number, rows), (table, column) = place, line
    row = rows[column.name]
    sheet.write_number(row, 0, number, book.look("middle"))
    sheet.write_string(row, 1, column.vi, book.look("text"))
    sheet.write_string(row, 2, column.unit, book.look("middle"))
    if column.name in form.since:
        # Without a code, so the reader looks for nothing here.
        text = form_texts()["since"].format(year=form.since[column.name])
        sheet.write_blank(row, _FIGURE, None, book.look("before"))
        sheet.write_string(row, _FIGURE + 1, text, book.look("before"))
        sheet.write_blank(row, _REMARK, None, book.look("before"))
        return
    sheet.write_blank(row, _FIGURE, None, book.input_look(column))
    is_note = column.type.name == "text"
    before = None if is_note else form.before.get(column.name)
    _write_value(book, sheet, (row, _FIGURE + 1), column, before, "before")
    sheet.write_blank(row, _REMARK, None, book.look("text" if is_note else "remark"))
    sheet.write_string(row, _CODE, f"{table.name}.{column.name}", book.look("code"))
    whole = limit_of(table, column, form.unit_type)
    limit = None
    if whole is not None and whole.name in rows:
        limit = (xl_rowcol_to_cell(rows[whole.name], _FIGURE, True, True), whole.vi)
    book.add_rule(sheet, (row, _FIGURE, row, _FIGURE), column, limit)
    labels = dictionary().words[column.word_list].values() if column.words else ()
    answers = [(label, min(_COLUMNS["figure"], _COLUMNS["before"])) for label in labels]
    fit_row(sheet, row, [(column.vi, _COLUMNS["item"]), (column.unit, _COLUMNS["unit"]), *answers])


def _write_value(
    book: FormWorkbook, sheet: Worksheet, at: tuple[int, int], column: Column, value: Any, look: str
) -> None:
    """Write a typed cell as people read it: có/không, the label of a word, a true date."""
    if value is None or pd.isna(value):
        sheet.write_blank(*at, None, book.look(look))
    elif column.type.name == "boolean":
        sheet.write_string(*at, form_texts()["answers"][str(bool(value)).lower()], book.look(look))
    elif column.type.name == "word":
        sheet.write_string(*at, dictionary().words[column.word_list][value], book.look(look))
    elif column.type.name == "date":
        sheet.write_datetime(*at, value.to_pydatetime(), book.look(look, num_format="dd/mm/yyyy"))
    elif column.type.name == "year":
        sheet.write_number(*at, int(value), book.look(look, num_format="0"))
    elif column.type.name in ("id", "text"):
        sheet.write_string(*at, str(value), book.look(look, num_format="@"))
    else:
        sheet.write_number(*at, float(value), book.look(look, num_format="#,##0.###"))


# Registers


def write_table(book: FormWorkbook, form: Form, name: str, rows: pd.DataFrame) -> None:
    """Write a register: who is who as last known, the year's counts empty."""
    table, texts = dictionary().tables[name], form_texts()
    sheet = book.file.add_worksheet(texts["sheets"][name])
    columns = [column for column in table.columns.values() if column.name != "year"]
    row = _write_top(book, sheet, name, form) - 1
    if "year" in table.columns:
        year = table.columns["year"]
        sheet.write_string(row, 0, year.vi, book.look("label"))
        _write_value(book, sheet, (row, 1), year, form.year, "fact")
    header, last = row + 1, row + 1 + len(rows) + _SPARE_ROWS
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDE.get(column.type.name, 14))
        sheet.write_string(header, place, column.vi, book.look("heading"))
        look = book.input_look(column)
        for below in range(header + 1, last + 1):
            sheet.write_blank(below, place, None, look)
        if column.type.name not in ("count", "money"):
            _fill_column(sheet, (header + 1, place), column, rows[column.name], look)
        limit = _limit_beside(table, columns, column, header + 1)
        book.add_rule(sheet, (header + 1, place, last, place), column, limit)
    sheet.set_row(header, 34)
    sheet.freeze_panes(header + 1, 2)
    set_page(sheet, landscape=True, header_row=header)
    protect(sheet)


def _fill_column(
    sheet: Worksheet, at: tuple[int, int], column: Column, values: pd.Series, look: Any
) -> None:
    for row, value in enumerate(values, start=at[0]):
        if pd.isna(value):
            continue
        if column.type.name == "date":
            sheet.write_datetime(row, at[1], value.to_pydatetime(), look)
        elif column.type.name == "word":
            sheet.write_string(row, at[1], dictionary().words[column.word_list][value], look)
        else:
            sheet.write_string(row, at[1], str(value), look)


def _limit_beside(
    table: Table, columns: list[Column], column: Column, row: int
) -> tuple[str, str] | None:
    # Whether a row's type is excepted from the rule is only known when it is filled in.
    whole = None if column.exempt else limit_of(table, column, None)
    if whole is None:
        return None
    place = [one.name for one in columns].index(whole.name)
    return xl_rowcol_to_cell(row, place, False, True), whole.vi


# What each line means


def write_guide(book: FormWorkbook, form: Form) -> None:
    """Add the sheet that explains each line by the dictionary and the plan."""
    texts = form_texts()
    sheet = book.file.add_worksheet(texts["sheets"]["guide"])
    names = {"number": 5, "item": 40, "unit": 16, "meaning": 52, "rule": 34, "plan": 70}
    sheet.write_string(0, 0, texts["titles"]["guide"], book.look("title"))
    for place, (name, width) in enumerate(names.items()):
        sheet.set_column(place, place, width)
        sheet.write_string(2, place, texts["headings"][name], book.look("heading"))
    lines = [line for _, lines in _groups(form)[1:] for line in lines]
    for number, (table, column) in enumerate(lines, start=1):
        whole = limit_of(table, column, form.unit_type)
        rule = texts["at_most"].format(heading=whole.vi) if whole is not None else ""
        plan = "\n".join(_plan_lines(form, column)) or texts["not_in_plan"]
        cells = [column.vi, column.unit, column.meaning, rule, plan]
        sheet.write_number(number + 2, 0, number, book.look("middle"))
        for place, text in enumerate(cells, start=1):
            sheet.write_string(number + 2, place, text, book.look("text"))
        fit_row(sheet, number + 2, zip(cells, list(names.values())[1:], strict=True))
    sheet.freeze_panes(3, 0)
    set_page(sheet, landscape=True, header_row=2)
    protect(sheet)


def _plan_lines(form: Form, column: Column) -> list[str]:
    texts, lines = form_texts(), []
    for item in uses(column, form.study.plan, form.source, form.unit_type):
        words = {"section": item.section, "title": item.title}
        target = item.target_in(form.year)
        if target is None:
            lines.append(texts["usage"].format(**words))
            continue
        bar = form.language.say("bar", target, item.unit, item.is_fraction)
        lines.append(texts["usage_target"].format(**words, target=bar))
    return lines
