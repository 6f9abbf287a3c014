"""Writing an indicator table to a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.problems import InputError, error

#: Rows that become text together: few enough that the text of millions never stands in memory.
_CHUNK = 250_000
#: What `csv` might quote; whether it does, it decides itself.
_SPECIAL = re.compile(r'[",\r\n]')


def write_table(table: pd.DataFrame, target: Path | IO[str], sheet: str = "Chỉ tiêu") -> None:
    """Write an indicator table, or a task table, as ``.csv``, ``.parquet`` or ``.xlsx``, by the path's ending.

    CSV is UTF-8 without BOM, LF, decimals in the shortest form that round-trips. A text stream
    gets CSV; ``sheet`` names the sheet of a workbook.

    Raises
    ------
    InputError
        If the ending is another.
    """
    if not isinstance(target, Path):
        target.writelines(str(lines, "utf-8") for lines in csv_lines(table))
        return
    suffix = target.suffix.lower()
    if suffix == ".csv":
        with target.open("wb") as file:
            file.writelines(csv_lines(table))
    elif suffix == ".parquet":
        table.to_parquet(target, index=False)
    elif suffix == ".xlsx":
        # Names come from other people's files: never let one become a formula or a link.
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with pd.ExcelWriter(
            target, engine="xlsxwriter", engine_kwargs={"options": options}
        ) as writer:
            table.to_excel(writer, index=False, sheet_name=sheet)
    else:
        message = "đuôi tệp phải là .csv, .parquet hoặc .xlsx"
        raise InputError([error(message, code="ending", file=str(target))])


def csv_lines(table: pd.DataFrame) -> Iterator[memoryview]:
    r"""Yield a table of words and numbers as CSV: the heading, then some rows at a time.

    The same bytes as ``table.to_csv(index=False, lineterminator="\n")``, many times faster: words
    and decimals become text once for each distinct one, and rows are joined column by column.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["A, B", None], "value": [0.5, 1.0]})
    >>> b"".join(csv_lines(table))
    b'name,value\n"A, B",0.5\n,1.0\n'
    """
    yield memoryview((",".join(_as_fields(table.columns).to_pylist()) + "\n").encode())
    words = {name: _words(table[name]) for name in table}
    for start in range(0, len(table), _CHUNK):
        rows = table.iloc[start : start + _CHUNK]
        *cells, last = [_as_text(rows[name], words[name]) for name in table]
        yield _bytes(_join([*cells, _join([last, "\n"], "")], ","))


def _words(column: pd.Series) -> pa.Array | None:
    """Return the fields of a categorical column's words, made once for all its rows."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return None
    return _as_fields(column.cat.categories)


def _as_text(cells: pd.Series, words: pa.Array | None) -> pa.Array:
    """Return the fields of some cells, null where missing."""
    if words is not None:
        codes = cells.cat.codes.to_numpy()
    elif pd.api.types.is_integer_dtype(cells.dtype):
        return pa.array(cells).cast(pa.string())
    else:
        codes, distinct = pd.factorize(cells)
        words = _as_fields(distinct)
    return words.take(pa.array(codes, mask=codes < 0))


def _as_fields(values: Iterable[object]) -> pa.Array:
    """Return values as they stand in a CSV file, quoted where they need it."""
    texts = [str(value) for value in values]
    return pa.array(
        [_quoted(text) if _SPECIAL.search(text) else text for text in texts], pa.string()
    )


def _quoted(text: str) -> str:
    buffer = io.StringIO()
    # Beside a second, empty field, so that a lone empty one is not quoted.
    csv.writer(buffer, lineterminator="\n").writerow([text, ""])
    return buffer.getvalue().removesuffix(",\n")


def _join(columns: Sequence[pa.Array | str], separator: str) -> pa.Array:
    return pc.binary_join_element_wise(
        *columns, separator, null_handling="replace", null_replacement=""
    )


def _bytes(texts: pa.Array) -> memoryview:
    """Return the texts one after the other, as they lie in memory."""
    _, offsets, data = texts.buffers()
    end = np.frombuffer(offsets, np.int32)[len(texts)]
    return memoryview(data)[:end]
