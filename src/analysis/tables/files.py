"""The files of a dataset's folder: tables as text cells, digests, and writing that is never half done."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analysis.problems import InputError, Problem, Severity, error, has_errors
from analysis.tables.dictionary import OWN_COLUMNS, Table, dictionary

DESCRIPTION = "dataset.yaml"
STORE = "store.sqlite"
#: Lies beside a store from its first import on: if the store is lost, older tables must not replace it.
MARK = "CO-KHO-SO-LIEU.txt"
#: The folder of what people have written: `analysis.tables.peoples_text`.
TEXTS = "loi-van"
_ENDINGS = (".csv", ".parquet")
#: Files that look as if they were meant to be a table of the dataset.
_TABLE_LIKE = (*_ENDINGS, ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")
#: Rows that become columns at a time, so that few Python objects exist at once.
_BATCH = 10_000
_SEPARATORS = {";": "dấu chấm phẩy", "\t": "dấu Tab", "|": "dấu gạch đứng"}


def find_files(folder: Path, table: str) -> list[Path]:
    """Return the files that a table could be in: one, if the folder is as it should be.

    Raises
    ------
    InputError
        For a folder, a pipe or a device of such a name: reading it might never end.
    """
    found = [path for ending in _ENDINGS if (path := folder / f"{table}{ending}").exists()]
    wrong = [path for path in found if not path.is_file()]
    if wrong:
        message = "phải là một tệp thường, không phải thư mục, ống dẫn hay thiết bị"
        raise InputError([error(message, code="no_file", file=path.name) for path in wrong])
    return found


def table_files(folder: Path) -> list[Path]:
    """Return the files of all tables of a folder."""
    return [path for name in dictionary().tables for path in find_files(folder, name)]


def unread_files(folder: Path) -> list[Problem]:
    """Warn of the files of a dataset's folder that look like its tables and are not read.

    Examples
    --------
    >>> unread_files(Path("data/sample"))
    []
    """
    tables = dictionary().tables
    read = table_files(folder)
    found = []
    for path in sorted(folder.iterdir()):
        # Where case does not matter, ``Roster.csv`` is what `find_files` found.
        if path.suffix.lower() not in _TABLE_LIKE or any(path.samefile(one) for one in read):
            continue
        message = "tệp này không được đọc"
        meant = [t for t in tables if re.search(rf"(?<![a-z]){t}(?![a-z])", path.name.lower())]
        for name in meant:
            if not find_files(folder, name):
                message += f"; thiếu bảng «{tables[name].vi}»: bảng ấy phải là tệp {name}.csv"
        if path.suffix.lower() not in _ENDINGS and not meant:
            message += "; nếu là tệp gửi về, hãy nhận bằng lệnh congdoan import"
        if meant or not (folder / STORE).exists():
            found.append(Problem("warning", "unread_file", path.name, None, "", "", message))
    return found


def regular(path: Path) -> Path:
    """Return the path of a file to open; raise OSError for a pipe or a device, which would be waited for."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "phải là một tệp thường", str(path))
    return path


def find_texts(folder: Path) -> list[Path]:
    """Return the files of what people have written about the years, beside the tables."""
    found = sorted((folder / TEXTS).rglob("*.md"))
    return [path for path in found if path.is_file() and path.name[0] not in ".~"]


def digest_tables(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 over tables' file names and bytes, in the dictionary's order."""
    digest = hashlib.sha256()
    for name, content in contents:
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def digest_folder(folder: Path) -> str:
    """Return a digest of everything that a dataset is read from, reading no cell and no sentence.

    Without a store, it is what `analysis.tables.load.read_dataset` calls the digest; of a store,
    all its bytes count, whatever state of it is read. The mark counts too: without its store
    nothing may be read at all.
    """
    paths = table_files(folder)
    paths += [path for path in (folder / STORE, folder / MARK) if path.exists()]
    return with_texts(digest_tables((path.name, path.read_bytes()) for path in paths), folder)


def with_texts(digest: str, folder: Path) -> str:
    """Return the digest of tables, of what people have written and of the office's own columns."""
    own = folder / OWN_COLUMNS
    texts = [*find_texts(folder), *([own] if own.is_file() else [])]
    if not texts:
        return digest
    named = ((path.relative_to(folder).as_posix(), path.read_bytes()) for path in texts)
    return digest_tables([("", digest.encode()), *named])


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table as its file has it: text cells, indexed by the file's rows, in the dictionary's columns.

    Without a path where there is no file; ``is_whole`` if all of it could be read.
    """

    path: Path | None
    content: bytes
    text: pd.DataFrame
    is_whole: bool = True

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


def read_files(folder: Path, problems: list[Problem]) -> dict[str, TableFile]:
    """Read the table files of a folder as text: one per table of the dictionary, also without a file.

    Every unusable file, column and row is added to the problems.
    """
    found = {}
    for table in dictionary().tables.values():
        before = len(problems)
        path = _find_table(folder, table, problems)
        text, content = pd.DataFrame(columns=list(table.columns), dtype=str), b""
        if path is not None:
            content = path.read_bytes()
            text = _read_text(path, content, table, problems)
        is_whole = not has_errors(problems[before:])
        found[table.name] = TableFile(path, content, text, is_whole)
    return found


def _find_table(folder: Path, table: Table, problems: list[Problem]) -> Path | None:
    found = find_files(folder, table.name)
    if len(found) > 1:
        message = f"có cả {found[0].name} và {found[1].name}; hãy giữ lại một tệp"
        problems.append(error(message, code="two_files", file=table.name))
        return None
    if not found:
        if table.name in ("roster", "returns"):
            message = f"thiếu bảng «{table.vi}» ({table.name}.csv hoặc {table.name}.parquet)"
            if not any(find_files(folder, name) for name in dictionary().tables):
                message += "; văn phòng mới thì nhận danh sách và phiếu bằng lệnh congdoan import"
            problems.append(error(message, code="no_table", file=table.name))
        return None
    return found[0]


def _read_text(path: Path, content: bytes, table: Table, problems: list[Problem]) -> pd.DataFrame:
    """Return the table's text cells with exactly the dictionary's columns; none of a broken file."""
    reader = _read_csv if path.suffix == ".csv" else _read_parquet
    try:
        return _fit_columns(reader(path.name, content, problems), table, path.name, problems)
    except UnicodeDecodeError as failure:
        kind = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "ANSI"
        message = (
            f"tệp không phải là văn bản UTF-8 (byte thứ {failure.start + 1}; có lẽ lưu dạng {kind});"
            " trong Excel hãy lưu dạng «CSV UTF-8»"
        )
        problems.append(error(message, code="not_utf8", file=path.name))
    except InputError as failure:
        problems += failure.problems
    return pd.DataFrame(columns=list(table.columns), dtype=str)


def _read_csv(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame:
    broken: list[Problem] = []
    rows: list[list[str]] = []
    batches: list[list[pa.Array]] = []
    numbers: list[int] = []
    header: list[str] | None = None
    for number, row in enumerate(split_csv(file, content.decode("utf-8-sig"), broken), start=1):
        if header is None:
            header = row
            _check_header(row, file)
        elif row and len(row) != len(header):
            message = f"dòng có {len(row)} ô, dòng tiêu đề có {len(header)} ô"
            problems.append(error(message, code="ragged", file=file, row=number))
        elif row:
            rows.append(row)
            numbers.append(number)
            if len(rows) == _BATCH:
                batches.append(_transposed(rows))
                rows.clear()
    if broken:
        raise InputError(broken)
    if header is None:
        raise InputError([error("tệp trống, không có dòng tiêu đề", code="empty_file", file=file)])
    batches.append(_transposed(rows) or [pa.array([], pa.large_string())] * len(header))
    data = {
        name: pd.array(pa.chunked_array(cells), dtype="str")
        for name, cells in zip(header, zip(*batches, strict=True), strict=True)
    }
    return pd.DataFrame(data, index=pd.Index(numbers, dtype="int64"))


def split_csv(
    file: str, text: str, problems: list[Problem], separator: str = ","
) -> Iterator[list[str]]:
    """Yield the rows of a CSV file; what breaks its syntax ends it and is added to the problems."""
    number = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            number += 1
            yield row
    except csv.Error:
        message = "sai cú pháp CSV: dấu nháy kép mở mà không đóng, hoặc đóng sai chỗ"
        problems.append(error(message, code="bad_csv", file=file, row=number + 1))


def _check_header(header: list[str], file: str) -> None:
    """Refuse a repeated heading, and a first line that is one cell with many headings in it."""
    for name, times in Counter(header).items():
        if times > 1:
            message = f"tiêu đề lặp lại {times} lần"
            found = error(message, code="duplicate_column", file=file, row=1, column=name)
            raise InputError([found])
    for sign, name in _SEPARATORS.items():
        if len(header) == 1 and sign in header[0]:
            message = (
                f"các ô ngăn nhau bằng {name}; bảng của bộ số liệu phải ngăn bằng dấu phẩy"
                " (hoặc nhận tệp này vào kho bằng congdoan import)"
            )
            raise InputError([error(message, code="separator", file=file, row=1)])


def _transposed(rows: list[list[str]]) -> list[pa.Array]:
    """Return the columns of some rows."""
    return [pa.array(cells, pa.large_string()) for cells in zip(*rows, strict=True)]


def _read_parquet(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")
    except (OSError, ValueError):
        found = error("không đọc được tệp Parquet", code="bad_parquet", file=file)
        raise InputError([found]) from None
    cells = pd.DataFrame({str(name): spell_column(frame[name]) for name in frame.columns})
    return cells.set_axis(pd.RangeIndex(2, len(cells) + 2))


def spell_column(column: pd.Series) -> pd.Series:
    """Return typed cells as the tables' CSV files spell them; missing is ``""``.

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
        if blocking:
            cells = cells.iloc[:0]  # else each row would be refused for this one reason
        message = f"thiếu cột «{column.vi}»" + ("" if blocking else "; coi như chưa báo cáo")
        severity: Severity = "error" if blocking else "warning"
        problems.append(Problem(severity, "no_column", file, 1, name, "", message))
    return cells.reindex(columns=list(table.columns), fill_value="")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file aside, sync it, and put it in place of the old one in one step.

    Its folder is made if need be; text is written as UTF-8 with its line ends as they are.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the old file is still there as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp lets nobody else read; a page is for everybody whom the umask allows.
        aside.chmod(0o666 & ~_UMASK)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _read_umask() -> int:
    # The only way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_UMASK = _read_umask()


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last through a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # Some network file systems cannot sync a folder; the file itself is safe already.
        pass
    finally:
        os.close(handle)
