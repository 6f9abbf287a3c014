"""What one file brings: rows of canonical tables, and the cell that each figure came from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


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
        Where a column's cells stand: ``"D{row}"`` in a table, ``"D12"`` in a form.

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

    def address(self, column: str, row: int) -> str:
        """Return the cell of a figure, as a spreadsheet names it; empty if it has none."""
        return self.addresses.get(column, "").format(row=row)


@dataclass(frozen=True, eq=False)
class Delivery:
    """One file, read and found readable; whether it fits the dataset is still to be checked.

    Parameters
    ----------
    file : str
        The file's name as its sender knows it, without a folder.
    digest : str
        SHA-256 of its bytes, in hexadecimal.
    records : tuple of Records
        What it holds.
    """

    file: str
    digest: str
    records: tuple[Records, ...]
