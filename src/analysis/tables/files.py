"""Which files a dataset's folder has, and the digest that tells its contents from any other's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from analysis.tables.dictionary import dictionary

DESCRIPTION = "dataset.yaml"
_ENDINGS = (".csv", ".parquet")


def find_files(folder: Path, table: str) -> list[Path]:
    """Return the files that a table could be in: one, if the folder is as it should be."""
    found = [folder / f"{table}{ending}" for ending in _ENDINGS]
    return [path for path in found if path.exists()]


def digest_tables(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 over tables' file names and bytes, in the dictionary's order."""
    digest = hashlib.sha256()
    for name, content in contents:
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def digest_folder(folder: Path) -> str:
    """Return what `analysis.tables.load.read_dataset` would call the digest, reading no cell.

    Raises
    ------
    OSError
        If a table's file cannot be read.
    """
    paths = [path for name in dictionary().tables for path in find_files(folder, name)]
    return digest_tables((path.name, path.read_bytes()) for path in paths)
