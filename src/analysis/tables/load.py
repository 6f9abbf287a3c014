"""Reading a dataset folder: CSV, Parquet or its store in, typed tables and every problem out."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from itertools import repeat
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from analysis.problems import InputError, Problem, Severity, error, has_errors
from analysis.tables.dictionary import LISTED, CellType, Column, Own, Table, dictionary, own_columns
from analysis.tables.files import (
    DESCRIPTION,
    digest_tables,
    unread_files,
    with_texts,
)
from analysis.tables.peoples_text import Statements, read_texts
from analysis.tables.storefile import (
    Origin,
    digest_rows,
    has_store,
    last_entry,
    read_rows,
    reading,
    refuse_damage,
    refuse_missing,
    require_past,
    spell_cell,
    text_array,
    unknown_tables,
)
from analysis.tables.texts import read_files
from analysis.yamlfile import read_yaml

#: Names that Windows keeps for devices: a report cannot be saved under them.
_RESERVED = {"CON", "PRN", "AUX", "NUL"} | {f"{d}{i}" for d in ("COM", "LPT") for i in range(1, 10)}

#: Of so few texts pandas' calls cost more than what they do, and forms often bring the same ones.
_FEW_TEXTS = 16
_NUMBER = re.compile("0|[1-9][0-9]{0,17}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHARE = re.compile(r"0|1|[01]\.[0-9]{1,15}")
_LOST = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")

Reason = tuple[str, str]  # code, Vietnamese message


class _VietnameseFormatter(Formatter):
    """Writes ``{sum:,}`` with Vietnamese thousands marks; a plain ``{year}`` has none."""

    def format_field(self, value: object, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        return text.replace(",", ".") if "," in format_spec else text


def row_problems(
    rows: pd.DataFrame,
    file: str,
    column: str,
    *,
    code: str,
    message: str,
    is_error: bool = True,
) -> list[Problem]:
    """Return a problem for each row.

    Parameters
    ----------
    rows : DataFrame
        With ``year`` or ``date``; the index holds the row numbers of the file.
    file, column : str
        Where they stand.
    code, message : str
        What is wrong; the message may name columns of ``rows`` in braces, a sum
        as ``{sum:,}``.
    """
    if rows.empty:
        return []
    severity: Severity = "error" if is_error else "warning"
    formatter = _VietnameseFormatter()
    # A nation has a hundred thousand warnings: plain lists of the columns that are shown are fast.
    named = [name for _, name, _, _ in Formatter().parse(message) if name]
    years = (rows["year"] if "year" in rows else rows["date"].dt.year).tolist()
    own_years = (None if pd.isna(year) else int(year) for year in years)
    places = zip(rows.index.tolist(), rows[column].tolist(), own_years, strict=True)
    facts = zip(*(rows[name].tolist() for name in named), strict=True) if named else repeat(())
    return [
        Problem(
            severity,
            code,
            file,
            row,
            column,
            spell_cell(value),
            formatter.vformat(message, (), dict(zip(named, own, strict=True))),
            year,
        )
        for (row, value, year), own in zip(places, facts, strict=False)
    ]


def parse_column(text: pd.Series, column: Column, file: str) -> tuple[pd.Series, list[Problem]]:
    """Convert one column of text cells, where ``""`` means not reported.

    Returns
    -------
    values : Series
        ``Int64`` for years, counts and money, ``boolean``, ``datetime64``, ``float64`` for shares,
        else ``str``. Unusable and empty cells are missing.
    problems : list of Problem
        One per unusable cell, its row as the index has it.
    """
    values, problems = _parse_cells(text, column, file)
    return pd.Series(values, index=text.index, name=text.name), problems


def _parse_cells(text: pd.Series, column: Column, file: str) -> tuple[Any, list[Problem]]:
    # The same text always means the same, so each distinct text is read once.
    codes, every = pd.factorize(text)
    distinct = tuple(every)
    parse = _parse_few if len(distinct) <= _FEW_TEXTS else _parse_distinct
    meanings, sound = parse(distinct, column)
    is_wrong = np.array([cell != "" for cell in distinct], bool) & ~sound
    problems = []
    if is_wrong.any():
        for row, value in text[is_wrong[codes]].items():
            code, message = _reason(str(value), column)
            problems.append(
                error(
                    message,
                    code=code,
                    file=file,
                    row=int(str(row)),
                    column=column.name,
                    value=value,
                )
            )
    if column.required and "" in distinct:
        for row in text.index[text == ""]:
            message = "ô này không được để trống"
            problems.append(
                error(message, code="empty", file=file, row=int(str(row)), column=column.name)
            )
    return meanings.take(codes), problems


def are_sound(texts: Collection[str], column: Column) -> bool:
    """Tell whether each text may stand in a column, nothing too if it is not required."""
    if column.required and "" in texts:
        return False
    filled = tuple(sorted({*texts} - {""}))
    return not filled or bool(_parse_few(filled, column)[1].all())


def _parse_distinct(distinct: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    return _PARSERS[column.type.name](distinct, column)


_parse_few = lru_cache(maxsize=4096)(_parse_distinct)


# Plain Python takes as long as pandas for a long column, and far less for a form's few cells.
def _parse_number(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    least, most = column.type.smallest or 0, column.type.largest or 10**18
    # 18 digits always fit int64; longer ones are out of every range anyway.
    read = [int(cell) if _NUMBER.fullmatch(cell) else -1 for cell in texts]
    good = np.array([least <= number <= most for number in read], bool)
    return pd.arrays.IntegerArray(np.array(read, "int64"), ~good), good


def _parse_boolean(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    good = np.array([cell in ("true", "false") for cell in texts], bool)
    return pd.arrays.BooleanArray(np.array([cell == "true" for cell in texts], bool), ~good), good


def _parse_date(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    shaped = [cell if _DAY.fullmatch(cell) else None for cell in texts]
    values = pd.to_datetime(pd.Series(shaped, dtype="str"), format="%Y-%m-%d", errors="coerce")
    return values.astype("datetime64[s]").array, values.notna().to_numpy()


def _parse_share(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    values = np.array([float(cell) if _SHARE.fullmatch(cell) else np.nan for cell in texts], float)
    good = (values >= 0) & (values <= 1)
    return pd.array(np.where(good, values, np.nan), dtype=np.dtype("float64")), good


def _parse_word(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    return _texts(texts, [cell in column.words for cell in texts])


def _parse_id(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    shape = re.compile(column.type.pattern or "")
    good = [
        bool(shape.fullmatch(cell))
        and not cell.endswith(".")
        and cell.partition(".")[0] not in _RESERVED
        for cell in texts
    ]
    return _texts(texts, good)


def _parse_text(texts: tuple[str, ...], column: Column) -> tuple[Any, np.ndarray]:
    good = [unicodedata.is_normalized("NFC", cell) and not _LOST.search(cell) for cell in texts]
    return text_array([cell or None for cell in texts]), np.array(good, bool)


def _texts(texts: tuple[str, ...], good: list[bool]) -> tuple[Any, np.ndarray]:
    kept = [cell if is_good else None for cell, is_good in zip(texts, good, strict=True)]
    return text_array(kept), np.array(good, bool)


_PARSERS: dict[str, Callable[[tuple[str, ...], Column], tuple[Any, np.ndarray]]] = {
    "year": _parse_number,
    "count": _parse_number,
    "money": _parse_number,
    "boolean": _parse_boolean,
    "date": _parse_date,
    "share": _parse_share,
    "word": _parse_word,
    "id": _parse_id,
    "task": _parse_id,
    "text": _parse_text,
}


def _reason(value: str, column: Column) -> Reason:
    """Say why a filled cell cannot be used, and what would be right."""
    kind = column.type
    if kind.is_number:
        return _number_reason(value, kind)
    if kind.name == "text":
        if not unicodedata.is_normalized("NFC", value):
            return (
                "not_nfc",
                "chữ chưa ở dạng Unicode dựng sẵn (NFC), hãy gõ lại bằng bộ gõ Unicode",
            )
        return (
            "control",
            "có ký tự không in được, hoặc chữ bị mất (\ufffd) khi đổi bảng mã; hãy gõ lại",
        )
    if kind.name == "word":
        return "unknown_word", "không có trong danh mục; dùng một trong: " + ", ".join(column.words)
    if kind.name == "id" and value.partition(".")[0] in _RESERVED:
        return (
            "reserved_id",
            "mã trùng tên thiết bị của Windows, không lưu thành tệp được; hãy đổi mã",
        )
    return f"not_{kind.name}", f"phải là {kind.vi}"


def _number_reason(value: str, kind: CellType) -> Reason:
    digits = value.removeprefix("-")
    if value.startswith("-") and digits.replace(".", "", 1).isdigit():
        return "negative", "số không được âm"
    if digits.isdigit() and digits.isascii() and (digits == "0" or digits[0] != "0"):
        return "out_of_range", f"ngoài khoảng cho phép ({kind.smallest}–{kind.largest})"
    if digits.replace(".", "", 1).isdigit() and "." in digits:
        return "fraction", "phải là số nguyên, viết liền không có dấu chấm, dấu phẩy"
    return "not_number", f"phải là {kind.vi}, viết liền không có dấu chấm, dấu phẩy"


class Description(BaseModel):
    """What ``dataset.yaml`` beside the tables may say about them."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    illustrative: bool = False
    #: The names of those who manage units, by the id that stands in the register's ``parent``.
    parents: dict[str, str] = {}


def _refuse_writing(*_: Any, **__: Any) -> Any:
    message = (
        "bảng gốc chỉ để xem, sửa ở đây không đổi kết quả nào; muốn thử số khác, hãy dùng"
        ' study.assume({("MÃ-CĐCS", "cột"): số}), hoặc sửa trên bản sao: bảng.copy()'
    )
    raise InputError([error(message, code="read_only")])


class _ReadOnlyIndexer:
    def __init__(self, indexer: Any) -> None:
        self._indexer = indexer

    def __getitem__(self, key: Any) -> Any:
        return self._indexer[key]

    __setitem__ = _refuse_writing


def _reading(name: str) -> property:
    indexer = getattr(pd.DataFrame, name)
    return property(lambda frame: _ReadOnlyIndexer(indexer.fget(frame)))


class Given(pd.DataFrame):  # type: ignore[misc]
    """A table to look at, to filter and to copy, but not to write into.

    Indicators are computed once: a figure written into a table later would change nothing, and one
    written into theirs would stand in every answer after it.
    """

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    __setitem__ = __delitem__ = insert = _refuse_writing
    _update_inplace = _refuse_writing  # what every ``inplace=True`` ends in
    loc, iloc, at, iat = map(_reading, ("loc", "iloc", "at", "iat"))


def is_sent(cells: pd.DataFrame) -> pd.Series:
    """Tell of each row of returns whether a cell has something that no list of members gives."""
    others = set(dictionary().tables["returns"].columns) - {"year", "unit_id", *LISTED["returns"]}
    return cells[[name for name in cells if name in others]].notna().any(axis=1)


@dataclass(frozen=True)
class Dataset:
    """The canonical tables, typed; each frame's index is the row number in its file.

    ``files`` names the file of each table; of a store, the table itself. The same data has the same
    ``digest``: SHA-256 over the tables' bytes or the store's state, and over what people have written
    (``texts``, by year and unit; the whole's is under the empty id). ``origin`` tells where a store's
    figures came from. From what the ``unread`` tables lack nothing can be said: their file could not be
    read whole. ``own`` are the office's own columns; see `Study.take_columns`.
    """

    tables: dict[str, pd.DataFrame]
    files: dict[str, str] = field(default_factory=dict)
    description: Description = field(default_factory=Description)
    digest: str = ""
    origin: Origin | None = None
    unread: frozenset[str] = frozenset()
    texts: Mapping[tuple[int, str], Statements] = field(default_factory=dict)
    own: Own = field(default_factory=own_columns)

    def locate(self, problems: Sequence[Problem]) -> list[Problem]:
        """Name the files, sheets and cells that the figures of a store came from."""
        return self.origin.locate(problems, self.tables) if self.origin else list(problems)

    @cached_property
    def roster(self) -> pd.DataFrame:
        """The register of units as it stood each year."""
        return Given(self.tables["roster"])

    @cached_property
    def returns(self) -> pd.DataFrame:
        """What each unit reported for each year."""
        return Given(self.tables["returns"])

    @cached_property
    def sent_returns(self) -> pd.DataFrame:
        """The returns that say more of a unit than a list of its members does: its own."""
        return self.returns[is_sent(self.returns)]

    @cached_property
    def employers(self) -> pd.DataFrame:
        """Every employer in the area, with a union or not."""
        return Given(self.tables["employers"])

    @cached_property
    def district(self) -> pd.DataFrame:
        """The district federation's own facts."""
        return Given(self.tables["district"])

    @cached_property
    def lineage(self) -> pd.DataFrame:
        """Foundings, mergers, splits, transfers and dissolutions."""
        return Given(self.tables["lineage"])

    @cached_property
    def years(self) -> list[int]:
        """The years that the roster knows."""
        return sorted(int(year) for year in self.roster["year"].unique())


def read_dataset(folder: Path, as_of: date | None = None) -> tuple[Dataset, list[Problem]]:
    """Read the tables of a folder without judging them across cells.

    Parameters
    ----------
    folder : Path
        A folder with a store, or with one ``.csv`` or ``.parquet`` file per table. All but
        ``roster`` and ``returns`` may be missing: then nothing of theirs is known.
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
    problems = unread_files(folder)
    is_stored = has_store(folder)
    dataset = _from_store(folder, as_of, problems) if is_stored else _from_files(folder, problems)
    if (folder / DESCRIPTION).exists():
        try:
            description = read_yaml(folder / DESCRIPTION, Description)
            dataset = replace(dataset, description=description)
        except InputError as failure:
            problems += failure.problems
    if as_of is not None:  # when something was written is not known
        return replace(dataset, description=_as_it_was(dataset.description, as_of)), problems
    texts, found = read_texts(folder)
    digest = with_texts(dataset.digest, folder)
    return replace(dataset, texts=texts, digest=digest), problems + found


def _as_it_was(description: Description, as_of: date) -> Description:
    """Say in the dataset's name, which stands on every page, that this is a past state."""
    name = f"{description.name} (số liệu có đến hết {as_of:%d/%m/%Y})".strip()
    return description.model_copy(update={"name": name})


def load_dataset(folder: Path, as_of: date | None = None) -> Dataset:
    """Read a dataset that is free of errors; folder and day as for `read_dataset`.

    Raises
    ------
    InputError
        With every error and warning, if anything in it is wrong.
    """
    from analysis.tables.check import check_dataset, check_rules, known_writers

    dataset, problems = read_dataset(folder, as_of)
    # Finding oddities takes half of the time, and they are told only beside errors.
    if has_errors([*problems, *check_rules(dataset), *known_writers(dataset)]):
        raise InputError([*problems, *check_dataset(dataset)])
    return dataset


def _from_files(folder: Path, problems: list[Problem]) -> Dataset:
    tables: dict[str, pd.DataFrame] = {}
    files: dict[str, str] = {}
    contents: list[tuple[str, bytes]] = []
    found = read_files(folder, problems)
    for table in dictionary().tables.values():
        file = found[table.name]
        files[table.name] = file.path.name if file.path is not None else f"{table.name}.csv"
        if file.path is not None:
            contents.append((file.path.name, file.content))
        tables[table.name] = type_table(file.text, table, files[table.name], problems)
    unread = {name for name, file in found.items() if not file.is_whole}
    named = pd.concat([tables[name]["unit_id"] for name in ("returns", "employers")]).dropna()
    if tables["roster"].empty and not named.empty and "roster" not in unread:
        unread.add("roster")
        message = f"bảng không có dòng nào, mà các bảng khác có {named.nunique()} CĐCS"
        problems.append(error(message, code="empty_register", file=files["roster"]))
    return Dataset(tables, files, digest=digest_tables(contents), unread=frozenset(unread))


def _from_store(folder: Path, as_of: date | None, problems: list[Problem]) -> Dataset:
    tables: dict[str, pd.DataFrame] = {}
    digest = hashlib.sha256()
    found: list[Problem] = []
    with reading(folder) as connection:
        refuse_damage(connection)
        last = last_entry(connection) if as_of is None else require_past(connection, as_of)
        problems += unknown_tables(connection, folder)
        for table in dictionary().tables.values():
            text = read_rows(connection, table, last)
            digest.update(digest_rows(text))
            tables[table.name] = type_table(text, table, table.name, found)
    origin = Origin(folder.resolve(), last)
    problems += origin.locate(found, tables)
    return Dataset(
        tables, {name: name for name in tables}, digest=digest.hexdigest(), origin=origin
    )


def type_table(
    text: pd.DataFrame, table: Table, file: str, problems: list[Problem]
) -> pd.DataFrame:
    """Turn text cells into typed columns; rows whose key cannot be read are left out.

    Every unusable cell is added to the problems, under the name ``file``. The index holds the row
    numbers of the file.
    """
    if text.empty:  # as many tables of many folders are
        named = tuple(column for name, column in table.columns.items() if name in text.columns)
        return _empty(named).set_axis(text.index)
    typed: dict[str, Any] = {}
    before = len(problems)
    usable = np.ones(len(text), bool)
    for name, column in table.columns.items():
        if name not in text.columns:
            continue
        typed[name], found = _parse_cells(text[name], column, file)
        problems += found
        if name in table.key and not table.optional:
            usable &= ~np.asarray(typed[name].isna())
    frame = pd.DataFrame(typed, index=text.index, copy=False)
    if len(problems) > before:
        years = frame.get("year")
        problems[before:] = [_with_year(problem, years) for problem in problems[before:]]
    if not usable.all():
        frame = frame[usable]
    if "year" in frame.columns:
        frame["year"] = frame["year"].astype("int64")
    return frame


@lru_cache
def _empty(columns: tuple[Column, ...]) -> pd.DataFrame:
    frame = pd.DataFrame({column.name: _parse_few((), column)[0] for column in columns})
    return frame.astype({"year": "int64"}) if "year" in frame.columns else frame


def _with_year(problem: Problem, years: pd.Series | None) -> Problem:
    """Note which year the row is of, so that a check of one year can leave out the others."""
    if years is None or problem.row is None or pd.isna(years.loc[problem.row]):
        return problem
    return replace(problem, year=int(years.loc[problem.row]))
