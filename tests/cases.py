"""Awkward files as people send them (``data/cases``): a folder a case, a base dataset beside them.

Each case stands for a kind. A case holds ``in`` (the files that arrive), now and then ``first`` (what
arrived before) or a ``data`` folder of its own; else `data_for` copies the base.
"""

from __future__ import annotations

import shutil
from pathlib import Path

CASES = Path(__file__).parent / "data" / "cases"


def data_for(case: str, folder: Path) -> Path:
    """Copy the dataset that a case begins with, to write into."""
    own = CASES / case / "data"
    base = own if own.is_dir() else CASES / ("dakrong/_base" if case == "dakrong" else "_base")
    return Path(shutil.copytree(base, folder / "data"))


def mail_for(case: str, folder: Path, name: str = "in") -> Path:
    """Copy the files of a case, for error lists are written beside them."""
    return Path(shutil.copytree(CASES / case / name, folder / name))
