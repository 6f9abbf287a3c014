"""What must hold across the cells of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from analysis.problems import Problem, error
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.files import TEXTS
from analysis.tables.load import Dataset, row_problems
from analysis.tables.oddities import check_oddities

Rule = Callable[[Dataset], list[Problem]]

_ON_REGISTER = " (tính người có trong sổ vào ngày chốt số liệu, mỗi người một lần)"

#: Told of a year without a register: nobody can be asked anything yet.
NO_REGISTER = "chưa có danh sách năm {year}; nhận tệp của văn phòng trước"


def check_dataset(dataset: Dataset) -> list[Problem]:
    """Apply every rule across cells.

    Parameters
    ----------
    dataset : Dataset
        Tables as `read_dataset` returns them; its own problems are not repeated.

    Returns
    -------
    list of Problem
        Errors block; warnings are shown and block nothing.
    """
    return [*check_rules(dataset), *known_writers(dataset), *check_oddities(dataset)]


def check_rules(dataset: Dataset) -> list[Problem]:
    """Apply the rules that must hold; each looks at the rows of one key alone."""
    rules: list[Rule] = [_unique_keys, _known_units, _parts_within_wholes]
    return dataset.locate([problem for rule in rules for problem in rule(dataset)])


def _unique_keys(dataset: Dataset) -> list[Problem]:
    found = []
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        key = list(table.key)
        repeated = frame[frame.duplicated(key, keep=False)]
        if repeated.empty:
            continue
        first = (
            repeated.reset_index(names="row").groupby(key, dropna=False)["row"].transform("first")
        )
        repeated = repeated.assign(first_row=first.to_numpy())
        repeated = repeated[repeated.index != repeated["first_row"]]
        found += row_problems(
            repeated,
            dataset.files[table.name],
            key[-1],
            code="duplicate_key",
            message=f"trùng khóa ({', '.join(key)}) với dòng {{first_row}}",
        )
    return found


def _known_units(dataset: Dataset) -> list[Problem]:
    if "roster" in dataset.unread:
        return []  # its own errors are told already
    found = []
    known = pd.MultiIndex.from_frame(dataset.roster[["year", "unit_id"]])
    for name in ("returns", "employers"):
        frame = dataset.tables[name]
        named = frame[frame["unit_id"].notna()]
        absent = named[~pd.MultiIndex.from_frame(named[["year", "unit_id"]]).isin(known)]
        found += row_problems(
            absent,
            dataset.files[name],
            "unit_id",
            code="unknown_unit",
            message="mã này không có trong danh sách CĐCS năm {year}",
        )
    return found


def known_writers(dataset: Dataset) -> list[Problem]:
    """Return an error for each text about a unit that the year's register does not have."""
    if "roster" in dataset.unread:
        return []
    known = set(zip(dataset.roster["year"], dataset.roster["unit_id"], strict=True))
    return [
        replace(
            error(
                f"mã này không có trong danh sách CĐCS năm {year}",
                code="unknown_unit",
                file=f"{TEXTS}/{year}/{unit_id}.md",
                value=unit_id,
            ),
            year=year,
        )
        for year, unit_id in dataset.texts
        if unit_id and (year, unit_id) not in known
    ]


def _parts_within_wholes(dataset: Dataset) -> list[Problem]:
    found = []
    roster = dataset.roster.drop_duplicates(["year", "unit_id"]).set_index(["year", "unit_id"])
    for table in dictionary().tables.values():
        frame = dataset.tables[table.name]
        limited = [column for column in table.columns.values() if column.at_most]
        if not limited or frame.empty:
            continue
        if "unit_id" in table.key:
            keys = pd.MultiIndex.from_frame(frame[["year", "unit_id"]])
            beside = roster.reindex(keys).set_axis(frame.index)
        for column in limited:
            whole = frame if column.at_most in table.columns else beside
            limits = whole[column.at_most]
            above = frame[column.name].array > limits.array
            over = above.to_numpy(bool, na_value=False)
            if column.exempt:
                over &= ~frame["unit_type"].isin(column.exempt).to_numpy()
            if not over.any():
                continue
            rows = frame[over].assign(limit=limits[over])
            found += row_problems(
                rows,
                dataset.files[table.name],
                column.name,
                code="part_above_whole",
                message=_above_message(table, column),
            )
    return found


def _above_message(table: Table, column: Column) -> str:
    tables = dictionary().tables
    whole = {**tables["roster"].columns, **table.columns}[column.at_most or ""]
    people = _ON_REGISTER if column.type.name == "count" else ""
    return f"«{column.vi}» lớn hơn «{whole.vi}» là {{limit:,}}{people}"
