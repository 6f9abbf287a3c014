"""Awkward files as people send them (``data/cases``): a folder a case, a base dataset beside them.

Each case stands for a kind. A case holds ``in`` (the files that arrive), now and then ``first`` (what
arrived before) or a ``data`` folder of its own; else `data_for` copies the base.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.store.log import create_store

CASES = Path(__file__).parent / "data" / "cases"


def _base_of(case: str) -> Path:
    own = CASES / case / "data"
    return own if own.is_dir() else CASES / ("dakrong/_base" if case == "dakrong" else "_base")


def data_for(case: str, folder: Path) -> Path:
    """Copy the dataset that a case begins with, to write into."""
    return Path(shutil.copytree(_base_of(case), folder / "data"))


def store_for(case: str, folder: Path) -> Path:
    """The same with the store that a first import begins: made once, beside the test's folder."""
    base = _base_of(case)
    begun = folder.parent / "begun" / base.relative_to(CASES)
    if not begun.exists():
        create_store(Path(shutil.copytree(base, begun)), "congdoan import")
    return Path(shutil.copytree(begun, folder / "data"))


def mail_for(case: str, folder: Path, name: str = "in") -> Path:
    """Copy the files of a case, for error lists are written beside them."""
    return Path(shutil.copytree(CASES / case / name, folder / name))
