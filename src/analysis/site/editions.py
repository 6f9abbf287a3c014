"""Editions of a site: which folder an edition may go to, and what it may say of an earlier one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from analysis.atomic import write_atomically
from analysis.findings.editions import is_comparable, write_origin
from analysis.indicators import write_table
from analysis.params import PARAMS_FOLDER
from analysis.problems import InputError, error
from analysis.site.layout import INDICATORS, LEDGER, Layout
from analysis.study import Study, indicators
from analysis.tables.dictionary import dictionary
from analysis.tables.files import DESCRIPTION, STORE, find_files
from analysis.tables.writing import harmless

_EDITIONS = {"internal": "bản nội bộ", "share": "bản chia sẻ"}


def indicators_csv(study: Study) -> str:
    """Return the year's indicator table as it is published."""
    buffer = io.StringIO()
    table = indicators(study, [study.params.year])
    table["scope_id"] = table["scope_id"].cat.rename_categories(harmless)
    write_table(table, buffer)
    return buffer.getvalue()


def refuse_place(study: Study, site: Path) -> None:
    """Refuse a folder in which pages would lie among what is not to be sent.

    Parameters
    ----------
    study : Study
        What is to be published.
    site : Path
        The site's folder, resolved.

    Raises
    ------
    InputError
        If the folder is the system's, the user's or the project's own, or holds tables, a store or
        settings, or lies among them.
    """
    own = [study.root / PARAMS_FOLDER, study.root / study.params.data, study.root / "notebooks"]
    own = [folder.resolve() for folder in own]
    why = ""
    if site in (Path(site.anchor), Path.home(), study.root.resolve()):
        why = "đây là thư mục gốc, thư mục cá nhân hoặc thư mục của cả dự án"
    elif any(site.is_relative_to(folder) or folder.is_relative_to(site) for folder in own):
        why = "thư mục này chứa, hoặc nằm trong, thư mục số liệu, params hoặc notebooks của dự án"
    elif _find_tables(site):
        why = f"thư mục này đang chứa «{_find_tables(site)[0]}» của một bộ số liệu"
    if why:
        message = f"{why}; trang báo cáo phải nằm riêng, hãy chọn thư mục khác"
        raise InputError([error(message, code="bad_place", column="--out", value=site)])


def _find_tables(folder: Path) -> list[str]:
    names = [path.name for table in dictionary().tables for path in find_files(folder, table)]
    return names + [n for n in (STORE, DESCRIPTION, PARAMS_FOLDER) if (folder / n).exists()]


def refuse_other_edition(layout: Layout, edition: str) -> None:
    """Refuse a folder that is neither empty nor by its ledger of this edition.

    What another edition left, pages and tables, would stay among the new and be sent with them.

    Parameters
    ----------
    layout : Layout
        The site.
    edition : {"internal", "share"}
        What is about to be made.

    Raises
    ------
    InputError
        If the folder has files and no readable ledger, or one of the other edition.
    """
    # Names with a dot are the system's, or what a killed run had not yet put in place.
    if not layout.site.exists() or all(p.name.startswith(".") for p in layout.site.iterdir()):
        return
    there = _read_ledger(layout).get("edition")
    if there != edition:
        holds = (
            f"đang chứa {_EDITIONS[there]}"
            if there in _EDITIONS
            else f"có tệp nhưng không có {LEDGER} đọc được, nên không rõ là của bản nào"
        )
        message = (
            f"thư mục này {holds}; hãy chọn thư mục khác cho {_EDITIONS[edition]}, hoặc tự xoá hết"
            " thư mục này rồi chạy lại"
        )
        raise InputError(
            [error(message, code="other_edition", column="--out", value=layout.site.name)]
        )


def _read_ledger(layout: Layout) -> dict[str, Any]:
    """Return what a ledger says of itself; nothing where there is none that can be read."""
    try:
        record = json.loads(layout.file(LEDGER).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def keep_edition(layout: Layout, table: str) -> None:
    """Put the published table aside, with what it is of, if it is about to be replaced by another.

    Parameters
    ----------
    layout : Layout
        The site.
    table : str
        The new table, as CSV.
    """
    try:
        old, record = layout.file(INDICATORS).read_text("utf-8-sig"), _read_ledger(layout)
        origin = write_origin(record["edition"], record["plan"], record["dataset"]["name"])
        made_at = str(record["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing was published before
    if old != table:
        name = made_at.replace(":", "").replace("-", "")
        # A clock that was set back must not put the latest edition before others.
        latest = max((path.stem for path in layout.editions.glob("*.csv")), default="")
        name = name if name > latest else f"{latest}_"
        write_atomically(layout.editions / f"{name}.csv", f"{origin}\n{old}")


def with_surroundings(study: Study, layout: Layout) -> Study:
    """Return the study with what its pages may know of the folder around them.

    That is the latest earlier table of the same edition, plan and data, and the years whose sites
    lie beside this one.
    """
    kept = [path for path in layout.editions.glob("*.csv") if is_comparable(study, path)]
    found = {"previous": max(map(str, kept), default="")}
    return study.with_params(layout.place(study.params).model_copy(update=found))
