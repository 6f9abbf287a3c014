"""Taking a return back: the unit has not reported then, and the store keeps what it had said."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pandas as pd

from analysis.problems import InputError, error
from analysis.store.log import Handed, add_entry, open_for_writing, writing
from analysis.tables.delivery import Records
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE
from analysis.tables.stored import read_rows
from analysis.tables.storefile import WITHDRAW, explained, last_entry, refuse_missing


def withdraw_return(folder: Path, unit_id: str, year: int, *, reason: str, by: str = "") -> int:
    """Take back a unit's return of a year.

    Its figures stay in the log, its row in the register stays as it is, and a later return is taken
    in as a first one.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    unit_id : str
        The unit.
    year : int
        The year.
    reason : str
        Why.
    by : str
        Who says so.

    Returns
    -------
    int
        How many figures the return had.

    Raises
    ------
    InputError
        If there is no reason, no store, or no such return in it.
    """
    if not reason.strip():
        raise InputError([error("cần nêu lý do rút lại", code="no_reason")])
    refuse_missing(folder)
    table = dictionary().tables["returns"]
    key = pd.DataFrame({"year": [str(year)], "unit_id": [unit_id]})
    handed = Handed(WITHDRAW, "", "", reason.strip(), by.strip())
    with (
        closing(open_for_writing(folder)) as connection,
        explained(folder / STORE),
        writing(connection),
    ):
        rows = read_rows(connection, table, last_entry(connection), key)
        if rows.empty:
            message = f"CĐCS này không có báo cáo năm {year} trong kho"
            raise InputError(
                [error(message, code="no_return", file=STORE, column="unit_id", value=unit_id)]
            )
        figures = [name for name in table.columns if name not in table.key]
        blank = rows.assign(**dict.fromkeys(figures, ""))
        # Row 0: no row of a file.
        add_entry(connection, handed, [Records(table.name, blank.set_axis([0]), "", {})])
    return int((rows[figures] != "").to_numpy().sum())
