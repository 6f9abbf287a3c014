"""Reading a dataset folder: CSV, Parquet or its store in, typed tables and every problem out."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analysis.problems import InputError, Problem, Severity, error, has_errors
from analysis.tables.cells import parse_column
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.stored import (
    Origin,
    digest_rows,
    has_store,
    last_entry,
    read_rows,
    reading,
    refuse_missing,
    require_past,
    unknown_tables,
)
from analysis.yamlfile import read_yaml

DESCRIPTION = "dataset.yaml"
_ENDINGS = (".csv", ".parquet")


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
        The file name of each table; of a store, the table's own name.
    description : Description
        Its name, and whether it is made up for illustration.
    digest : str
        SHA-256 over the tables' bytes, or over the store's state: the same data has the same digest.
    origin : Origin or None
        Where the figures of a store came from.
    """

    tables: dict[str, pd.DataFrame]
    files: dict[str, str] = field(default_factory=dict)
    description: Description = field(default_factory=Description)
    digest: str = ""
    origin: Origin | None = None

    def locate(self, problems: Sequence[Problem]) -> list[Problem]:
        """Name the files, sheets and cells that the figures of a store came from."""
        return self.origin.locate(problems, self.tables) if self.origin else list(problems)

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


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table as its file has it: text cells, indexed by the file's rows.

    Attributes
    ----------
    path : Path or None
        The file; None if there is none.
    digest : str
        SHA-256 of its bytes.
    text : DataFrame of str
        Exactly the dictionary's columns.
    """

    path: Path | None
    digest: str
    text: pd.DataFrame


def read_dataset(folder: Path, as_of: date | None = None) -> tuple[Dataset, list[Problem]]:
    """Read the tables of a folder without judging them across cells.

    Parameters
    ----------
    folder : Path
        A folder with a store, or with one ``.csv`` or ``.parquet`` file per table. ``employers``,
        ``district`` and ``lineage`` may be missing: then nothing of theirs is known.
    as_of : date or datetime, optional
        The state of the store at the end of that day, or at that moment.

    Returns
    -------
    dataset : Dataset
        What could be read.
    problems : list of Problem
        Every unusable file, column, row and cell. Rows whose key cannot be read are left out.

    Raises
    ------
    InputError
        If there is no such folder, the store cannot be read, or there is no past state to go to.
    """
    folder = Path(folder)
    if not folder.is_dir():
        message = "không tìm thấy thư mục dữ liệu"
        raise InputError([error(message, code="no_folder", file=str(folder))])
    if as_of is not None:
        refuse_missing(folder)
    problems: list[Problem] = []
    is_stored = has_store(folder)
    dataset = _from_store(folder, as_of, problems) if is_stored else _from_files(folder, problems)
    if (folder / DESCRIPTION).exists():
        try:
            description = read_yaml(folder / DESCRIPTION, Description)
            dataset = replace(dataset, description=description)
        except InputError as failure:
            problems += failure.problems
    if as_of is not None:
        dataset = replace(dataset, description=_as_it_was(dataset.description, as_of))
    return dataset, problems


def _as_it_was(description: Description, as_of: date) -> Description:
    """Say in the dataset's name, which stands on every page, that this is a past state."""
    name = f"{description.name} (số liệu có đến hết {as_of:%d/%m/%Y})".strip()
    return description.model_copy(update={"name": name})


def load_dataset(folder: Path, as_of: date | None = None) -> Dataset:
    """Read a dataset that is free of errors.

    Raises
    ------
    InputError
        With every error and warning, if anything in it is wrong.
    """
    from analysis.tables.check import check_dataset

    dataset, problems = read_dataset(folder, as_of)
    problems += check_dataset(dataset)
    if has_errors(problems):
        raise InputError(problems)
    return dataset


def read_files(folder: Path, problems: list[Problem]) -> dict[str, TableFile]:
    """Read the table files of a folder as text.

    Parameters
    ----------
    folder : Path
        The folder.
    problems : list of Problem
        Every unusable file, column and row is added.

    Returns
    -------
    dict of str to TableFile
        One per table of the dictionary, also for those without a file.
    """
    found = {}
    for table in dictionary().tables.values():
        path = _find_table(folder, table, problems)
        text, digest = pd.DataFrame(columns=list(table.columns), dtype=str), ""
        if path is not None:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            text = _read_text(path, content, table, problems)
        found[table.name] = TableFile(path, digest, text)
    return found


def _from_files(folder: Path, problems: list[Problem]) -> Dataset:
    tables: dict[str, pd.DataFrame] = {}
    files: dict[str, str] = {}
    digest = hashlib.sha256()
    found = read_files(folder, problems)
    for table in dictionary().tables.values():
        file = found[table.name]
        files[table.name] = file.path.name if file.path is not None else f"{table.name}.csv"
        digest.update(f"{files[table.name]}:{file.digest};".encode())
        tables[table.name] = type_table(file.text, table, files[table.name], problems)
    return Dataset(tables, files, digest=digest.hexdigest())


def _from_store(folder: Path, as_of: date | None, problems: list[Problem]) -> Dataset:
    tables: dict[str, pd.DataFrame] = {}
    digest = hashlib.sha256()
    found: list[Problem] = []
    with reading(folder) as connection:
        last = last_entry(connection) if as_of is None else require_past(connection, as_of)
        problems += unknown_tables(connection, _table_digests(folder))
        for table in dictionary().tables.values():
            text = read_rows(connection, table, last)
            digest.update(digest_rows(text))
            tables[table.name] = type_table(text, table, table.name, found)
    origin = Origin(folder.resolve(), last)
    problems += origin.locate(found, tables)
    return Dataset(
        tables, {name: name for name in tables}, digest=digest.hexdigest(), origin=origin
    )


def _table_digests(folder: Path) -> list[tuple[Path, str]]:
    names = [f"{name}{ending}" for name in dictionary().tables for ending in _ENDINGS]
    paths = [folder / name for name in names if (folder / name).is_file()]
    return [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]


def _find_table(folder: Path, table: Table, problems: list[Problem]) -> Path | None:
    found = [folder / f"{table.name}{ending}" for ending in _ENDINGS]
    found = [path for path in found if path.exists()]
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
    # Columns, not rows, are what pandas stores: transpose once.
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    data = {
        name: pd.array(list(cells), dtype="str")
        for name, cells in zip(header, columns, strict=True)
    }
    return pd.DataFrame(data, index=pd.Index(numbers, dtype="int64"))


def _read_parquet(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame | None:
    try:
        frame = pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")
    except (OSError, ValueError):
        problems.append(error("không đọc được tệp Parquet", code="bad_parquet", file=file))
        return None
    cells = pd.DataFrame({str(name): spell_column(frame[name]) for name in frame.columns})
    cells.index = pd.RangeIndex(2, len(cells) + 2)
    return cells


def spell_column(column: pd.Series) -> pd.Series:
    """Return typed cells as the tables' CSV files spell them; missing is ``""``.

    Parameters
    ----------
    column : Series
        Numbers, yes/no, dates or text.

    Examples
    --------
    >>> spell_column(pd.Series([True, None], dtype="boolean")).to_list()
    ['true', '']
    """
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
    """Turn text cells into typed columns.

    Parameters
    ----------
    text : DataFrame of str
        The dictionary's columns; the index holds the row numbers of the file.
    table : Table
        The table.
    file : str
        The name to put into problems.
    problems : list of Problem
        Every unusable cell is added.

    Returns
    -------
    DataFrame
        The rows whose key could be read.
    """
    typed: dict[str, pd.Series] = {}
    before = len(problems)
    usable = pd.Series(True, index=text.index)
    for name, column in table.columns.items():
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
