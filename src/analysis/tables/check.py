"""What must hold across the cells of a dataset, and what only deserves a second look."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from string import Formatter

import numpy as np
import pandas as pd

from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.load import Dataset
from analysis.tables.variants import find_variants

#: A unit type needs this many figures before one of them can look odd.
_MIN_DISTRIBUTION = 8
_MAX_ROBUST_Z = 3.5
Rule = Callable[[Dataset], list[Problem]]

_ON_REGISTER = " (tính người có trong sổ vào ngày chốt số liệu, mỗi người một lần)"


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
    return [*check_rules(dataset), *check_oddities(dataset)]


def check_rules(dataset: Dataset) -> list[Problem]:
    """Apply the rules that may not be broken; each looks at a key's own rows alone."""
    rules: list[Rule] = [_unique_keys, _known_units, _parts_within_wholes]
    return dataset.locate([problem for rule in rules for problem in rule(dataset)])


def check_oddities(dataset: Dataset) -> list[Problem]:
    """Warn of what deserves a second look, beside the rows of other units and years."""
    rules: list[Rule] = [
        *(_dates_in_order, _odd_counts, _sudden_changes),
        *(_over_collection, _unknown_lineage, find_variants),
    ]
    return dataset.locate([problem for rule in rules for problem in rule(dataset)])


def _problems(
    rows: pd.DataFrame,
    file: str,
    column: str,
    *,
    code: str,
    message: str,
    is_error: bool = True,
) -> list[Problem]:
    """Return a problem for each row; its message may name columns of ``rows`` in braces."""
    severity: Severity = "error" if is_error else "warning"
    # A nation has a hundred thousand warnings: only the columns that are shown, as plain lists.
    named = [name for _, name, _, _ in Formatter().parse(message) if name]
    places = zip(rows.index.tolist(), rows[column].tolist(), _years_of(rows), strict=True)
    facts = zip(*(rows[name].tolist() for name in named), strict=True) if named else repeat(())
    return [
        Problem(
            severity,
            code,
            file,
            row,
            column,
            "" if pd.isna(value) else str(value),
            message.format(**dict(zip(named, own, strict=True))),
            year,
        )
        for (row, value, year), own in zip(places, facts, strict=False)
    ]


def _years_of(rows: pd.DataFrame) -> list[int | None]:
    years = rows["year"] if "year" in rows else rows["date"].dt.year
    return [None if pd.isna(year) else int(year) for year in years.tolist()]


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
        found += _problems(
            repeated,
            dataset.files[table.name],
            key[-1],
            code="duplicate_key",
            message=f"trùng khóa ({', '.join(key)}) với dòng {{first_row}}",
        )
    return found


def _known_units(dataset: Dataset) -> list[Problem]:
    if "roster" in dataset.unread:
        return []  # what is wrong with it is told already, once
    found = []
    known = pd.MultiIndex.from_frame(dataset.roster[["year", "unit_id"]])
    for name in ("returns", "employers"):
        frame = dataset.tables[name]
        named = frame[frame["unit_id"].notna()]
        absent = named[~pd.MultiIndex.from_frame(named[["year", "unit_id"]]).isin(known)]
        found += _problems(
            absent,
            dataset.files[name],
            "unit_id",
            code="unknown_unit",
            message="mã này không có trong danh sách CĐCS năm {year}",
        )
    return found


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
            over = (frame[column.name] > limits).fillna(False)
            if column.exempt:
                over &= ~frame["unit_type"].isin(column.exempt)
            rows = frame[over].assign(limit=limits[over])
            found += _problems(
                rows,
                dataset.files[table.name],
                column.name,
                code="part_above_whole",
                message=_above_message(table, column),
                is_error=not column.soft,
            )
    return found


def _above_message(table: Table, column: Column) -> str:
    tables = dictionary().tables
    whole = {**tables["roster"].columns, **table.columns}[column.at_most or ""]
    people = _ON_REGISTER if column.type.name == "count" else ""
    return f"«{column.vi}» lớn hơn «{whole.vi}» là {{limit}}{people}"


def _dates_in_order(dataset: Dataset) -> list[Problem]:
    roster = dataset.roster
    return _problems(
        roster[roster["dissolved_on"] < roster["founded_on"]],
        dataset.files["roster"],
        "dissolved_on",
        code="dates",
        message="ngày kết thúc trước ngày thành lập {founded_on:%d/%m/%Y}",
        is_error=False,
    )


def _odd_counts(dataset: Dataset) -> list[Problem]:
    """Warn of a count far from those of its own type in the same year."""
    found = []
    types = dataset.roster.drop_duplicates(["year", "unit_id"])[["year", "unit_id", "unit_type"]]
    for table in (dictionary().tables["roster"], dictionary().tables["returns"]):
        frame = dataset.tables[table.name]
        if "unit_type" not in frame:
            merged = frame[["year", "unit_id"]].merge(types, how="left", on=["year", "unit_id"])
            frame = frame.assign(unit_type=merged["unit_type"].to_numpy())
        counts = [column for column in table.columns.values() if column.type.name == "count"]
        for column in counts:
            figures = frame[column.name].astype("Float64").to_numpy("float64", na_value=np.nan)
            z, median = _robust_z(pd.Series(figures, index=frame.index), frame)
            odd = z.abs() > _MAX_ROBUST_Z
            rows = frame[odd].assign(median=median[odd])
            found += _problems(
                rows,
                dataset.files[table.name],
                column.name,
                code="odd_count",
                message=f"«{column.vi}» khác xa các đơn vị cùng loại hình (trung vị {{median:.0f}}); hãy xem lại",
                is_error=False,
            )
    return found


def _robust_z(figures: pd.Series, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    by = [frame["year"], frame["unit_type"]]
    median = figures.groupby(by).transform("median")
    deviation = (figures - median).abs()
    spread = deviation.groupby(by).transform("median") * 1.4826
    enough = figures.groupby(by).transform("count") >= _MIN_DISTRIBUTION
    return ((figures - median) / spread.where(spread > 0)).where(enough), median


def _sudden_changes(dataset: Dataset) -> list[Problem]:
    """Warn of members changed by over half without an event that explains it."""
    roster = dataset.roster.drop_duplicates(["year", "unit_id"])
    before = roster[["year", "unit_id", "members_total"]].assign(year=roster["year"] + 1)
    pair = roster[["year", "unit_id"]].merge(
        before, how="left", on=["year", "unit_id"], validate="one_to_one"
    )
    last = pd.Series(pair["members_total"].to_numpy(), index=roster.index, dtype="Int64")
    jump = (roster["members_total"] - last).abs() * 2 > last
    events = dataset.lineage
    explained = {
        (int(year), unit)
        for column in ("predecessor_id", "successor_id")
        for year, unit in zip(events["date"].dt.year, events[column], strict=True)
        if pd.notna(unit) and pd.notna(year)
    }
    named = [pair in explained for pair in zip(roster["year"], roster["unit_id"], strict=True)]
    unexplained = (jump & (last > 0)).fillna(False) & ~np.array(named, dtype=bool)
    return _problems(
        roster[unexplained].assign(last=last[unexplained]),
        dataset.files["roster"],
        "members_total",
        code="sudden_change",
        message="đoàn viên thay đổi trên 50% so với năm trước ({last}) mà không có biến động tổ chức nào",
        is_error=False,
    )


def _over_collection(dataset: Dataset) -> list[Problem]:
    found = []
    for name in ("returns", "district"):
        frame = dataset.tables[name]
        for collected, due in (("fund_collected", "fund_due"), ("dues_collected", "dues_due")):
            over = (frame[collected] * 5 > frame[due] * 6) & (frame[due] > 0)
            found += _problems(
                frame[over.fillna(False)],
                dataset.files[name],
                collected,
                code="over_collection",
                message=f"thu trên 120% số phải thu ({{{due}}} đồng)",
                is_error=False,
            )
    return found


def _unknown_lineage(dataset: Dataset) -> list[Problem]:
    if "roster" in dataset.unread:
        return []
    known = pd.Index(dataset.roster["unit_id"].unique())
    found = []
    for column in ("predecessor_id", "successor_id"):
        ids = dataset.lineage[column]
        found += _problems(
            dataset.lineage[ids.notna() & (known.get_indexer(ids) < 0)],
            dataset.files["lineage"],
            column,
            code="unknown_lineage",
            message="mã này không có trong danh sách CĐCS của năm nào",
            is_error=False,
        )
    return found
