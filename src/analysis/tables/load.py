"""Reading a dataset folder: CSV or Parquet in, typed tables and every problem out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from analysis.problems import InputError, Problem, Severity, error, has_errors
from analysis.tables.cells import parse_column
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import DESCRIPTION, digest_tables, find_files
from analysis.yamlfile import read_yaml

#: Rows that become columns together: few enough that Python's own objects stay few.
_BATCH = 10_000


class Description(BaseModel):
    """What ``dataset.yaml`` beside the tables may say about them."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    illustrative: bool = False


@dataclass(frozen=True)
class Dataset:
    """The canonical tables, typed; each frame's index is the row number in its file.

    Attributes
    ----------
    tables : dict of str to DataFrame
        ``roster``, ``returns``, ``employers``, ``district`` and ``lineage``; one row per key.
    files : dict of str to str
        The file name of each table.
    description : Description
        Its name, and whether it is made up for illustration.
    digest : str
        SHA-256 over the tables' bytes: the same data has the same digest.
    """

    tables: dict[str, pd.DataFrame]
    files: dict[str, str] = field(default_factory=dict)
    description: Description = field(default_factory=Description)
    digest: str = ""

    @property
    def roster(self) -> pd.DataFrame:
        """The register of units as it stood each year."""
        return self.tables["roster"]

    @property
    def returns(self) -> pd.DataFrame:
        """What each unit reported for each year."""
        return self.tables["returns"]

    @property
    def employers(self) -> pd.DataFrame:
        """Every employer in the area, with a union or not."""
        return self.tables["employers"]

    @property
    def district(self) -> pd.DataFrame:
        """The district federation's own facts."""
        return self.tables["district"]

    @property
    def lineage(self) -> pd.DataFrame:
        """Foundings, mergers, splits, transfers and dissolutions."""
        return self.tables["lineage"]

    @property
    def years(self) -> list[int]:
        """The years that the roster knows."""
        return sorted(int(year) for year in self.roster["year"].unique())


def read_dataset(folder: Path) -> tuple[Dataset, list[Problem]]:
    """Read the tables of a folder without judging them across cells.

    Parameters
    ----------
    folder : Path
        A folder with one ``.csv`` or ``.parquet`` file per table. ``employers``, ``district`` and
        ``lineage`` may be missing: then nothing of theirs is known.

    Returns
    -------
    dataset : Dataset
        What could be read.
    problems : list of Problem
        Every unusable file, column, row and cell. Rows whose key cannot be read are left out.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        message = "không tìm thấy thư mục dữ liệu"
        raise InputError([error(message, code="no_folder", file=str(folder))])
    problems: list[Problem] = []
    tables: dict[str, pd.DataFrame] = {}
    files: dict[str, str] = {}
    contents: list[tuple[str, bytes]] = []
    for table in dictionary().tables.values():
        path = _find_table(folder, table, problems)
        text = pd.DataFrame(columns=list(table.columns), dtype=str)
        if path is not None:
            content = path.read_bytes()
            contents.append((path.name, content))
            text = _read_text(path, content, table, problems)
        files[table.name] = path.name if path is not None else f"{table.name}.csv"
        tables[table.name] = type_table(text, table, files[table.name], problems)
    description = Description()
    if (folder / DESCRIPTION).exists():
        try:
            description = read_yaml(folder / DESCRIPTION, Description)
        except InputError as failure:
            problems += failure.problems
    return Dataset(tables, files, description, digest_tables(contents)), problems


def load_dataset(folder: Path) -> Dataset:
    """Read a dataset that is free of errors.

    Raises
    ------
    InputError
        With every error and warning, if anything in it is wrong.
    """
    from analysis.tables.check import check_dataset

    dataset, problems = read_dataset(folder)
    problems += check_dataset(dataset)
    if has_errors(problems):
        raise InputError(problems)
    return dataset


def _find_table(folder: Path, table: Table, problems: list[Problem]) -> Path | None:
    found = find_files(folder, table.name)
    if len(found) > 1:
        message = f"có cả {found[0].name} và {found[1].name}; hãy giữ lại một tệp"
        problems.append(error(message, code="two_files", file=table.name))
        return None
    if not found:
        if table.name in ("roster", "returns"):
            message = f"thiếu bảng «{table.vi}» ({table.name}.csv hoặc {table.name}.parquet)"
            problems.append(error(message, code="no_table", file=table.name))
        return None
    return found[0]


def _read_text(path: Path, content: bytes, table: Table, problems: list[Problem]) -> pd.DataFrame:
    """Return the table's text cells with exactly the dictionary's columns."""
    reader = _read_csv if path.suffix == ".csv" else _read_parquet
    try:
        cells = reader(path.name, content, problems)
    except UnicodeDecodeError as failure:
        message = f"tệp không phải là văn bản UTF-8 (byte thứ {failure.start + 1})"
        problems.append(error(message, code="not_utf8", file=path.name))
        cells = None
    if cells is None:
        return pd.DataFrame(columns=list(table.columns), dtype=str)
    return _fit_columns(cells, table, path.name, problems)


def _read_csv(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame | None:
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    rows: list[list[str]] = []
    batches: list[list[pa.Array]] = []
    numbers: list[int] = []
    header: list[str] | None = None
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if header is None:
                header = row
            elif row and len(row) != len(header):
                message = f"dòng có {len(row)} ô, dòng tiêu đề có {len(header)} ô"
                problems.append(error(message, code="ragged", file=file, row=number))
            elif row:
                rows.append(row)
                numbers.append(number)
                if len(rows) == _BATCH:
                    batches.append(_transposed(rows))
                    rows.clear()
    except csv.Error:
        message = "sai cú pháp CSV: dấu nháy kép mở mà không đóng, hoặc đóng sai chỗ"
        problems.append(error(message, code="bad_csv", file=file, row=number + 1))
        return None
    if header is None:
        problems.append(error("tệp trống, không có dòng tiêu đề", code="empty_file", file=file))
        return None
    for name, times in Counter(header).items():
        if times > 1:
            message = f"tiêu đề lặp lại {times} lần"
            problems.append(error(message, code="duplicate_column", file=file, row=1, column=name))
            return None
    batches.append(_transposed(rows) or [pa.array([], pa.large_string())] * len(header))
    data = {
        name: pd.array(pa.chunked_array(cells), dtype="str")
        for name, cells in zip(header, zip(*batches, strict=True), strict=True)
    }
    return pd.DataFrame(data, index=pd.Index(numbers, dtype="int64"))


def _transposed(rows: list[list[str]]) -> list[pa.Array]:
    """Return the columns of some rows."""
    return [pa.array(cells, pa.large_string()) for cells in zip(*rows, strict=True)]


def _read_parquet(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame | None:
    try:
        frame = pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")
    except (OSError, ValueError):
        problems.append(error("không đọc được tệp Parquet", code="bad_parquet", file=file))
        return None
    cells = pd.DataFrame({str(name): _as_text(frame[name]) for name in frame.columns})
    cells.index = pd.RangeIndex(2, len(cells) + 2)
    return cells


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(column.dtype):
        text = column.astype("str").str.lower()
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = column.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_float_dtype(column.dtype):
        # Whole numbers often arrive as floats; anything else shows as it is and is refused.
        text = column.map(
            lambda x: str(int(x)) if float(x).is_integer() else str(x), na_action="ignore"
        )
    else:
        text = column.astype("str")
    return text.astype("str").where(column.notna(), "")


def _fit_columns(
    cells: pd.DataFrame, table: Table, file: str, problems: list[Problem]
) -> pd.DataFrame:
    for name in cells.columns:
        if name not in table.columns:
            message = f"cột lạ, không có trong bảng «{table.vi}»; các cột đúng: {', '.join(table.columns)}"
            problems.append(error(message, code="unknown_column", file=file, row=1, column=name))
    for name, column in table.columns.items():
        if name in cells.columns:
            continue
        blocking = name in table.key or column.required
        message = f"thiếu cột «{column.vi}»" + ("" if blocking else "; coi như chưa báo cáo")
        severity: Severity = "error" if blocking else "warning"
        problems.append(Problem(severity, "no_column", file, 1, name, "", message))
    return cells.reindex(columns=list(table.columns), fill_value="")


def type_table(
    text: pd.DataFrame, table: Table, file: str, problems: list[Problem]
) -> pd.DataFrame:
    """Return a table's typed columns, as far as ``text`` has them, and add what is wrong.

    Rows whose key cannot be read are left out.
    """
    typed: dict[str, pd.Series] = {}
    before = len(problems)
    usable = pd.Series(True, index=text.index)
    for name, column in table.columns.items():
        if name not in text.columns:
            continue
        typed[name], found = parse_column(text[name].astype("str"), column, file)
        problems += found
        if name in table.key and not table.optional:
            for row in text.index[text[name] == ""]:
                message = "ô khóa không được để trống"
                problems.append(error(message, code="empty", file=file, row=row, column=name))
            usable &= typed[name].notna()
    problems[before:] = [_with_year(problem, typed.get("year")) for problem in problems[before:]]
    frame = pd.DataFrame(typed, index=text.index)[usable.to_numpy()]
    if "year" in frame.columns:
        frame["year"] = frame["year"].astype("int64")
    return frame


def _with_year(problem: Problem, years: pd.Series | None) -> Problem:
    """Say which year's row it is, so that a check of one year can leave out the others."""
    if years is None or problem.row is None or pd.isna(years.loc[problem.row]):
        return problem
    return replace(problem, year=int(years.loc[problem.row]))
