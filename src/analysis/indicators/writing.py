"""Writing an indicator table to a file."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pandas as pd

from analysis.problems import InputError, error


def write_table(table: pd.DataFrame, target: Path | IO[str]) -> None:
    """Write an indicator table as ``.csv``, ``.parquet`` or ``.xlsx``, by the path's ending.

    CSV is UTF-8 without BOM, LF, decimals in the shortest form that round-trips. A text stream
    gets CSV.

    Raises
    ------
    InputError
        If the ending is another.
    """
    suffix = target.suffix.lower() if isinstance(target, Path) else ".csv"
    if suffix == ".csv":
        table.to_csv(target, index=False, lineterminator="\n", encoding="utf-8")
    elif suffix == ".parquet":
        table.to_parquet(target, index=False)
    elif suffix == ".xlsx":
        # Names come from other people's files: never let one become a formula or a link.
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with pd.ExcelWriter(
            target, engine="xlsxwriter", engine_kwargs={"options": options}
        ) as writer:
            table.to_excel(writer, index=False, sheet_name="Chỉ tiêu")
    else:
        message = "đuôi tệp phải là .csv, .parquet hoặc .xlsx"
        raise InputError([error(message, code="ending", file=str(target))])
