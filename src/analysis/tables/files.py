"""The files of a dataset's folder: which there are, digests, and writing that is never half done.

Nothing here imports pandas: a command that has nothing to do starts in half a second.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from analysis.problems import InputError, Problem, error
from analysis.tables.dictionary import OWN_COLUMNS, dictionary

DESCRIPTION = "dataset.yaml"
STORE = "store.sqlite"
#: Lies beside a store from its first import on: if the store is lost, older tables must not replace it.
MARK = "CO-KHO-SO-LIEU.txt"
#: The folder of what people have written: `analysis.tables.peoples_text`.
TEXTS = "loi-van"
_ENDINGS = (".csv", ".parquet")
#: Files that look as if they were meant to be a table of the dataset.
_TABLE_LIKE = (*_ENDINGS, ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")


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
