"""The process of a share edition's page: it knows the redacted study and can read nothing exact.

This keeps a cell from showing exact figures by an oversight, on a page that says it has none. It is
no prison: whoever writes notebooks has the tables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from analysis.params import Params
from analysis.problems import InputError, error
from analysis.site.layout import REPORTS, SHARED_REPORTS
from analysis.tables.files import TEXTS

_PROGRAMS = frozenset(
    {"os.exec", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system", "subprocess.Popen"}
)


# They open files without Python's knowing.
_UNSEEN = ("csv", "dataset", "feather", "parquet")


class Seal(NamedTuple):
    """Which edition a page's process may know, and the project's folder."""

    params: Params
    root: str


def close(seal: Seal) -> None:
    """Keep the share edition alone, and refuse from now on to open what is exact.

    A fork has the edition already; a spawned process reads the tables for it now.

    Parameters
    ----------
    seal : Seal
        The settings of the run.
    """
    from analysis.loading import keep_alone, open_study

    root = Path(seal.root)
    keep_alone(open_study(seal.params, root))
    tables, reports, shared = (
        (root / folder).resolve() for folder in (seal.params.data, REPORTS, SHARED_REPORTS)
    )

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            raise _refuse("sổ tay của bản chia sẻ không được chạy chương trình khác", event)
        if event in ("open", "sqlite3.connect") and isinstance(given[0], (str, bytes)):
            path = _find_path(os.fsdecode(given[0]))
            is_internal = path.is_relative_to(reports) and not path.is_relative_to(shared)
            is_exact = path.parent == tables or path.is_relative_to(tables / TEXTS)
            if is_exact or is_internal:
                message = "sổ tay của bản chia sẻ không được đọc số liệu gốc hay bản nội bộ"
                raise _refuse(f"{message}; hãy dùng analysis.load", path.name)

    sys.addaudithook(watch)
    for name in _UNSEEN:
        sys.modules[f"pyarrow.{name}"] = None  # type: ignore[assignment]  # not to be imported
        vars(sys.modules["pyarrow"]).pop(name, None)


def _find_path(name: str) -> Path:
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return Path(os.path.realpath(name))


def _refuse(message: str, value: str) -> InputError:
    return InputError([error(message, code="sealed", value=value)])
