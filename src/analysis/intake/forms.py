"""The Excel files that go out: a form for each expected unit, one for the district, an empty register."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pandas as pd

from analysis.atomic import write_atomically
from analysis.intake.formsheets import Form, settled, write_form, write_guide, write_table
from analysis.intake.formstyle import FormWorkbook, set_page
from analysis.intake.formtexts import form_texts, plain
from analysis.intake.tasksheet import asked_tasks, write_task_sheet
from analysis.problems import InputError, error
from analysis.study import Study
from analysis.tables.check import NO_REGISTER
from analysis.tables.dictionary import dictionary


def write_forms(study: Study, folder: Path, year: int) -> list[Path]:
    """Write the forms of a year.

    Parameters
    ----------
    study : Study
        The dataset and the plan; the units are those expected in ``year``, or, while the dataset
        has no roster of that year, those of the last earlier year.
    folder : Path
        Where to put them; made if need be.
    year : int
        The year to report on.

    Returns
    -------
    list of Path
        The district's workbook, then one for each unit by id.

    Raises
    ------
    InputError
        If there is no roster to go by, or a file to be written is already there: it may have been
        filled in.
    """
    units, roster_year = _units(study, year)
    writers: dict[str, str | None] = {_file_name("district", study.plan.issuer.id, "", year): None}
    writers |= {
        _file_name("unit", str(key), row["name"], year): key for key, row in units.iterrows()
    }
    folder = Path(folder)
    _refuse_existing(folder, writers)
    for name, unit_id in writers.items():
        if unit_id is None:
            content = _district_book(study, year, roster_year)
        else:
            content = _unit_book(study, year, units.loc[unit_id])
        write_atomically(folder / name, content)
    return [folder / name for name in writers]


def _units(study: Study, year: int) -> tuple[pd.DataFrame, int]:
    known = [one for one in study.dataset.years if one <= year]
    if not known:
        message = NO_REGISTER.format(year=year)
        raise InputError([error(message, code="no_roster", column="year", value=year)])
    # The roster's own row: an empty parent stays empty, whoever it stands for.
    roster = study.dataset.roster
    rows = roster[roster["year"] == known[-1]].set_index("unit_id", drop=False)
    return rows.loc[study.expected_units(known[-1]).index], known[-1]


def _file_name(kind: str, key: str, name: str, year: int) -> str:
    short = plain(name)[:60].strip("-")
    text: str = form_texts()["file_name"][kind].format(id=key, name=short, year=year)
    return text.replace("__", "_")


def _refuse_existing(folder: Path, names: Iterable[str]) -> None:
    message = "đã có tệp này trong thư mục, có thể đã được điền; hãy chọn thư mục khác"
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise InputError([error(message, code="file_exists", file=name) for name in there])


def _unit_book(study: Study, year: int, unit: pd.Series) -> bytes:
    tables, unit_id = dictionary().tables, str(unit["unit_id"])
    returns = study.dataset.returns
    before = study.cells(unit_id, year - 1) if (year - 1, unit_id) in study.register.index else {}
    form = Form(
        study,
        year,
        str(unit["unit_type"]),
        (tables["roster"], tables["returns"]),
        {**unit, "year": year},
        before,
        settled(returns[returns["unit_id"] == unit_id], year, study.plan, "units"),
    )
    book = FormWorkbook(year)
    write_form(book, "unit", form)
    tasks = asked_tasks(study, unit_id, str(unit["unit_type"]), year)
    write_task_sheet(book, study, unit_id, year, tasks)
    write_guide(book, form)
    book.write_words()
    return book.finish()


def _district_book(study: Study, year: int, roster_year: int) -> bytes:
    tables = dictionary().tables
    rows = study.dataset.district.set_index("year")
    before = rows.loc[year - 1] if year - 1 in rows.index else {}
    since = settled(study.dataset.district, year, study.plan, "district")
    form = Form(study, year, None, (tables["district"],), {"year": year}, before, since)
    book = FormWorkbook(year)
    write_form(book, "district", form)
    issuer = study.plan.issuer.id
    write_task_sheet(book, study, issuer, year, asked_tasks(study, issuer, None, year))
    roster = study.dataset.roster
    write_table(book, form, "roster", roster[roster["year"] == roster_year])
    employers = study.dataset.employers
    known = [int(one) for one in employers["year"].unique() if one <= year]
    write_table(book, form, "employers", employers[employers["year"] == max(known, default=0)])
    write_table(book, form, "lineage", study.dataset.lineage.iloc[:0])
    write_guide(book, form)
    book.write_words()
    return book.finish()


_ROOM = 500
_WIDTHS = {"name": 44, "unit_type": 30, "commune": 20}


def write_register(year: int) -> bytes:
    """Return the workbook.

    Parameters
    ----------
    year : int
        The year of the list.

    Examples
    --------
    >>> write_register(2025)[:2]
    b'PK'
    """
    texts, columns = form_texts()["register"], dictionary().tables["roster"].columns
    asked = [column for column in columns.values() if column.name != "year"]
    book = FormWorkbook(year)
    sheet = book.file.add_worksheet(form_texts()["sheets"]["roster"])
    sheet.write_string(0, 0, texts["title"].format(year=year), book.look("title"))
    sheet.write_string(1, 0, texts["hint"], book.look("label"))
    example: dict[str, str | int | date] = texts["example"]
    for place, column in enumerate(asked):
        sheet.set_column(place, place, _WIDTHS.get(column.name, 16))
        sheet.write_string(3, place, column.vi, book.look("heading"))
        book.add_rule(sheet, (4, place, _ROOM, place), column)
        for row in range(4, 60):
            sheet.write_blank(row, place, None, book.input_look(column))
        if column.name in example:
            sheet.write(4, place, example[column.name], book.input_look(column))
    sheet.set_row(3, 34)
    sheet.freeze_panes(4, 2)
    set_page(sheet, landscape=True, header_row=3)
    book.write_words()
    return book.finish()
