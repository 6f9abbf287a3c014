"""What one file brings: rows of canonical tables, and the cell that each figure came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.problems import Problem, error, name_place
from analysis.tables.dictionary import dictionary


@dataclass(frozen=True, eq=False)
class Records:
    """Rows of one canonical table, from one sheet of one file.

    Parameters
    ----------
    table : str
        A table of the dictionary: ``"returns"``.
    text : DataFrame of str
        Cells spelled as the dataset's own CSV files have them (``"true"``, ``"2024-11-30"``,
        ``"12"``; ``""`` is not reported), in columns of the dictionary, keys among them. The index
        holds the rows of the sheet, counted from 1 as a spreadsheet does.
    sheet : str
        The sheet's name; empty for a CSV file.
    addresses : dict of str to str
        Where a column's cells stand: ``"D{row}"`` in a table, ``"D12"`` in a form; ``"name"`` is
        that of ``names``.
    names : Series of str, optional
        The unit's name that each row prints beside its code, where the table itself has no column
        for it; index as in ``text``, perhaps with more rows.

    Examples
    --------
    >>> text = pd.DataFrame({"year": ["2024"], "unit_id": ["TH-HUC"], "informed": ["12"]}, index=[2])
    >>> places = {"year": "A{row}", "unit_id": "B{row}", "informed": "C{row}"}
    >>> Records("returns", text, "Báo cáo", places).address("informed", 2)
    'C2'
    """

    table: str
    text: pd.DataFrame
    sheet: str
    addresses: dict[str, str]
    names: pd.Series | None = None

    def address(self, column: str, row: int) -> str:
        """Return the cell of a figure, as a spreadsheet names it; empty if it has none."""
        return cell_of(self.addresses, column, row)

    def is_form(self, column: str) -> bool:
        """Tell whether a figure has a cell of its own, as on a unit's form; in a table it has a row."""
        return is_form(self.addresses, column)

    def problem(self, file: str, column: str, row: int, *, code: str, message: str) -> Problem:
        """Return an error at the cell of a figure."""
        value = self.text.at[row, column] if column in self.text.columns else ""
        return error(
            message,
            code=code,
            file=file,
            row=row,
            column=column,
            value="" if pd.isna(value) else str(value),
            sheet=self.sheet,
            cell=self.address(column, row),
        )


@dataclass(frozen=True, eq=False)
class Delivery:
    """One file, read and found readable; whether it fits the dataset is still to be checked.

    ``file`` is its name as its sender knows it, without a folder; ``digest`` the SHA-256 of its bytes.
    """

    file: str
    digest: str
    records: tuple[Records, ...]


def cell_of(addresses: Mapping[str, str], column: str, row: int) -> str:
    """Return the cell of a figure, by the addresses of `Records`; empty if it has none."""
    return addresses.get(column, "").format(row=row)


def is_form(addresses: Mapping[str, str], column: str) -> bool:
    """Tell whether a column has a cell of its own, as on a form, by the addresses of `Records`."""
    return "{row}" not in addresses.get(column, "{row}")


def with_keys(delivery: Delivery) -> Delivery:
    """Leave out the parts that lack a key column: nobody can tell whose their rows are."""
    tables = dictionary().tables
    parts = [one for one in delivery.records if {*tables[one.table].key} <= {*one.text.columns}]
    return replace(delivery, records=tuple(parts))


def find_units(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """Return year and unit of every return in a file."""
    return tuple(
        (str(year), str(unit))
        for part in with_keys(delivery).records
        if part.table == "returns"
        for year, unit in zip(part.text["year"], part.text["unit_id"], strict=True)
    )


def repeated_keys(file: str, records: Sequence[Records]) -> list[Problem]:
    """Return an error for every row whose key stands in an earlier row of the same file.

    A part without the year's column is told apart by the rest of the key.
    """
    tables = dictionary().tables
    if len({part.table for part in records}) == sum(len(part.text) for part in records):
        return []  # a form: one row of each table
    keys = [
        part.text[[name for name in tables[part.table].key if name in part.text]]
        for part in records
    ]
    if not _has_repeats(records, keys):
        return []
    problems = []
    first: dict[tuple[str, ...], str] = {}
    for part, rows in zip(records, keys, strict=True):
        may_be_empty = tables[part.table].optional
        headings = [tables[part.table].columns[name].vi for name in rows]
        column = str(rows.columns[-1])
        for row, *values in rows.itertuples(name=None):
            place = name_place(cell=part.address(column, row), row=row)
            place += f" của trang tính «{part.sheet}»" if part.sheet else ""
            known = first.setdefault((part.table, *values), place)
            if known != place and (all(values) or (may_be_empty and any(values))):
                each = " và ".join(f"«{heading}»" for heading in headings)
                message = f"trùng với {known}: mỗi {each} chỉ được có một dòng trong tệp"
                problems.append(
                    part.problem(file, column, row, code="duplicate_key", message=message)
                )
    return problems


def _has_repeats(records: Sequence[Records], keys: Sequence[pd.DataFrame]) -> bool:
    """Look at all rows at once, since hardly any file repeats a key."""
    tables: dict[str, list[pd.DataFrame]] = {}
    for part, rows in zip(records, keys, strict=True):
        tables.setdefault(part.table, []).append(rows)
    return any(pd.concat(rows).duplicated().any() for rows in tables.values())
