"""What if: another study in which some figures stand as they are assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from analysis.exploring.answer import Answer
from analysis.exploring.answers import changed_verdicts, refuse_on_page
from analysis.exploring.names import choose, fold, language_of, pick_unit, pick_year
from analysis.problems import InputError, Problem, error
from analysis.results import compute_indicators
from analysis.study import Study
from analysis.tables.check import check_rules
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.load import Dataset, Given, parse_column
from analysis.tables.texts import spell_column

_TABLES = ("returns", "roster")
_KEY = ("year", "unit_id")


@dataclass(frozen=True, eq=False, repr=False)
class Assumption(Study):
    """A study with assumed figures, made from ``base`` by `Study.assume`. No page is made of it."""

    base: Study
    since: int  # the first year of an assumed figure: none changes an earlier year
    is_assumed: ClassVar[bool] = True

    @cached_property
    def table(self) -> pd.DataFrame:
        """The indicator table; years before the assumed figures are the base's."""
        self.take_columns()
        years, old = [year for year in self.dataset.years if year >= self.since], self.base.table
        new = compute_indicators(self.dataset, self.plan, years, with_open=True)
        words = {
            name: pd.CategoricalDtype(
                sorted({*old[name].cat.categories, *new[name].cat.categories})
            )
            for name in ("scope_id", "target")
        }
        parts = [part.astype(words) for part in (old[old["year"] < self.since], new)]
        return Given(pd.concat(parts, ignore_index=True))

    def difference(self) -> Answer:
        """Trả về các đánh giá thay đổi so với số liệu thật, của toàn địa bàn và từng CĐCS.

        Returns
        -------
        DataFrame
            A row per indicator, year and scope whose verdict is another: value and verdict
            ``before`` and ``now``, the district's first.
        """
        tables = (self.base.table, self.table)
        return changed_verdicts(self, *(table[table["year"] >= self.since] for table in tables))


def assume(study: Study, figures: Any, year: int | None = None) -> Assumption:
    """Giả định: cùng số liệu, nhưng vài ô có giá trị khác.

    Parameters
    ----------
    figures : mapping or DataFrame
        ``{("DN-LENTRANG", "workers_total"): 52}``, or a frame with ``unit_id`` and columns of
        the register or the return. None empties a cell.
    year : int, optional
        The study's year by default; a frame may have a column ``year``.

    Returns
    -------
    Assumption
        Another study; its ``difference()`` lists the verdicts that change. No page is made of it.

    Raises
    ------
    InputError
        If a unit, a column or a value is not what it should be, or a rule is broken.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> study.assume({("TT-KHESANH", "informed"): 0}).difference().empty
    False
    """
    refuse_on_page()
    if study.params.edition != "internal":
        message = "bản chia sẻ không có đủ số liệu để giả định; hãy dùng bản nội bộ"
        raise InputError([error(message, code="not_exact", column="edition", value="share")])
    at = pick_year(study, year)
    cells = _cells(study, figures, at)
    tables = {name: study.dataset.tables[name].copy() for name in _TABLES}
    problems: list[Problem] = []
    for (unit, of_year), row in cells.items():
        for column, given in row.items():
            name = next(t for t in _TABLES if column in dictionary().tables[t].columns)
            known = dictionary().tables[name].columns[column]
            try:
                text = spell_column(pd.Series([_meant(study, known, given)])).str.strip()
            except InputError as refusal:
                problems += [replace(p, file=unit, column=column) for p in refusal.problems]
                continue
            typed, wrong = parse_column(text, known, unit)
            problems += [replace(one, row=None) for one in wrong]
            frame = tables[name]
            here = (frame["year"] == of_year) & (frame["unit_id"] == unit)
            if not here.any():
                if name == "roster":
                    message = f"CĐCS này không có trong danh sách năm {of_year}"
                    problems.append(error(message, code="no_unit", column="unit_id", value=unit))
                    continue
                frame = pd.concat([frame, _empty_row(frame, unit, of_year)])
                here = (frame["year"] == of_year) & (frame["unit_id"] == unit)
            if not wrong:
                frame.loc[here, column] = typed.astype(frame[column].dtype).iloc[0]
            tables[name] = frame
    dataset = replace(
        study.dataset, tables={**study.dataset.tables, **tables}, digest="", origin=None
    )
    problems += _broken_rules(dataset, cells)
    if problems:
        raise InputError(problems)
    since = min((of_year for _, of_year in cells), default=at)
    return Assumption(study.params, study.plan, dataset, study.root, study, since)


def _meant(study: Study, column: Column, given: Any) -> Any:
    """Return the code that a cell is given by a word that is shown: «Hợp tác xã», «Có»."""
    if not isinstance(given, str) or not given.strip():
        return given
    language = language_of(study)
    if column.words:
        words = {word: language.dictionary_word(column.word_list, word) for word in column.words}
        return choose("giá trị", given, words)
    if column.type.name == "boolean":
        yes, no = (fold(language.word("answer", one)) for one in ("yes", "no"))
        return {yes: "true", no: "false", "khong": "false"}.get(fold(given), given)
    return given


def _broken_rules(dataset: Dataset, places: Iterable[tuple[str, int]]) -> list[Problem]:
    """Return what the rules say of the assumed rows: they look at the rows of one key alone."""
    found = []
    for unit, year in places:
        own = {
            name: frame[(frame["year"] == year) & (frame["unit_id"] == unit)]
            for name, frame in dataset.tables.items()
            if name in _TABLES
        }
        empty = {name: frame.iloc[:0] for name, frame in dataset.tables.items()}
        problems = check_rules(replace(dataset, tables={**empty, **own}))
        found += [replace(one, file=unit, row=None) for one in problems]
    return found


def _empty_row(frame: pd.DataFrame, unit: str, year: int) -> pd.DataFrame:
    index = [int(max(frame.index, default=0)) + 1]
    row = pd.DataFrame({"year": [year], "unit_id": [unit]}, index=index)
    return row.reindex(columns=frame.columns).astype(frame.dtypes)


def _cells(study: Study, figures: Any, year: int) -> dict[tuple[str, int], dict[str, Any]]:
    """Return assumed figures by unit and year, then by column; a frame's rows or a mapping's items."""
    known = {
        name: column.vi
        for table in _TABLES
        for name, column in dictionary().tables[table].columns.items()
        if name not in _KEY
    }
    found: dict[tuple[str, int], dict[str, Any]] = {}
    if isinstance(figures, pd.DataFrame):
        frame = figures.reset_index() if "unit_id" not in figures else figures
        if "unit_id" not in frame:
            message = "bảng giả định phải có cột unit_id"
            raise InputError([error(message, code="no_column", column="unit_id")])
        for record in frame.to_dict("records"):
            at = pick_year(study, record.get("year", year))
            key = pick_unit(study, record["unit_id"]), at
            row = {choose("cột", c, known): v for c, v in record.items() if c not in _KEY}
            found.setdefault(key, {}).update(row)
        return found
    if not isinstance(figures, Mapping):
        message = 'hãy viết {("MÃ-CĐCS", "cột"): số} hoặc đưa một bảng có cột unit_id'
        raise InputError(
            [error(message, code="bad_question", column="assume", value=type(figures).__name__)]
        )
    for place, value in figures.items():
        if not (isinstance(place, tuple) and len(place) == 2):
            message = 'mỗi giả định phải có dạng ("MÃ-CĐCS", "cột"): số'
            raise InputError([error(message, code="bad_question", column="assume", value=place)])
        key = pick_unit(study, place[0]), year
        found.setdefault(key, {})[choose("cột", place[1], known)] = value
    return found
