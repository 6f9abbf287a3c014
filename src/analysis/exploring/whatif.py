"""What if: another study in which some figures stand as they are assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pandas as pd

from analysis.exploring.answer import Answer
from analysis.exploring.answers import changed_verdicts, pick_member, pick_years
from analysis.exploring.names import choose
from analysis.problems import InputError, error, has_errors
from analysis.study import Study
from analysis.tables.check import check_rules
from analysis.tables.dictionary import dictionary
from analysis.tables.load import parse_column

_TABLES = ("returns", "roster")
_KEY = ("year", "unit_id")


@dataclass(frozen=True, eq=False)
class Assumption(Study):
    """A study with assumed figures; made by `Study.assume`. No page is made of it.

    Attributes
    ----------
    base : Study
        What it was made from.
    """

    base: Study
    is_assumed: ClassVar[bool] = True

    def difference(self) -> Answer:
        """Trả về các đánh giá thay đổi so với số liệu thật, của toàn địa bàn và từng CĐCS.

        Returns
        -------
        DataFrame
            A row per indicator, year and scope whose verdict is another: value and verdict
            ``before`` and ``now``, the district's first.
        """
        return changed_verdicts(self.base, self)


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
    if study.params.edition != "internal":
        message = "bản chia sẻ không có đủ số liệu để giả định; hãy dùng bản nội bộ"
        raise InputError([error(message, code="not_exact", column="edition", value="share")])
    (at,) = pick_years(study, year if year is not None else study.params.year)
    cells = _cells(study, figures, at)
    tables = {name: study.dataset.tables[name].copy() for name in _TABLES}
    problems = []
    for (unit, at), row in cells.items():
        for column, given in row.items():
            name = next(t for t in _TABLES if column in dictionary().tables[t].columns)
            text = pd.Series(["" if pd.isna(given) else str(given).strip()], dtype="str")
            typed, wrong = parse_column(text, dictionary().tables[name].columns[column], unit)
            problems += [replace(one, file=unit, row=None) for one in wrong]
            frame = tables[name]
            here = (frame["year"] == at) & (frame["unit_id"] == unit)
            if not here.any():
                if name == "roster":
                    message = f"CĐCS này không có trong danh sách năm {at}"
                    problems.append(error(message, code="no_unit", column="unit_id", value=unit))
                    continue
                frame = pd.concat([frame, _empty_row(frame, unit, at)])
                here = (frame["year"] == at) & (frame["unit_id"] == unit)
            if not wrong:
                frame.loc[here, column] = typed.astype(frame[column].dtype).iloc[0]
            tables[name] = frame
    dataset = replace(
        study.dataset, tables={**study.dataset.tables, **tables}, digest="", origin=None
    )
    known = {(p.code, p.row, p.column) for p in check_rules(replace(study.dataset, origin=None))}
    broken = [p for p in check_rules(dataset) if (p.code, p.row, p.column) not in known]
    problems += [p for p in broken if p.severity == "error"]
    if has_errors(problems):
        raise InputError(problems)
    return Assumption(study.params, study.plan, dataset, study.root, study)


def _empty_row(frame: pd.DataFrame, unit: str, year: int) -> pd.DataFrame:
    row = pd.DataFrame({"year": [year], "unit_id": [unit]}, index=[int(frame.index.max()) + 1])
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
            at = int(record.get("year", year))
            key = pick_member(study, "unit", record["unit_id"]), at
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
        key = pick_member(study, "unit", place[0]), year
        found.setdefault(key, {})[choose("cột", place[1], known)] = value
    return found
