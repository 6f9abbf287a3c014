"""Editions of a site: which folder an edition may go to, and what it may say of an earlier one."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.findings.finding import is_comparable, write_origin
from analysis.params import PARAMS_FOLDER
from analysis.problems import InputError, Problem, error
from analysis.redaction import RedactedStudy
from analysis.results import write_table
from analysis.site.layout import INDICATORS, LEDGER, Layout
from analysis.site.ledger import PageRecord, hash_value, read_record
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.files import (
    DESCRIPTION,
    MARK,
    STORE,
    find_files,
    regular,
    write_atomically,
)
from analysis.tables.writing import harmless

#: Beside the tables: what share editions of them have told, so that no second one slips out.
SHARED = "shared.json"
_EDITIONS = {"internal": "bản nội bộ", "share": "bản chia sẻ"}


def indicators_csv(study: Study) -> str:
    """Return the year's indicator table as it is published."""
    buffer = io.StringIO()
    table = study.compute([study.params.year])
    table["scope_id"] = table["scope_id"].cat.rename_categories(harmless)
    write_table(table, buffer)
    return buffer.getvalue()


def refuse_place(study: Study, site: Path) -> None:
    """Refuse a folder in which pages would lie among what is not to be sent.

    That is the system's, the user's and the project's own, one that holds tables, a store or
    settings, and one that lies among them or in another site.
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
    elif around := [folder.name for folder in site.parents if (folder / LEDGER).is_file()]:
        why = f"thư mục này nằm trong «{around[0]}», nơi đã có một bản báo cáo"
    if why:
        message = f"{why}; trang báo cáo phải nằm riêng, hãy chọn thư mục khác"
        raise InputError([error(message, code="bad_place", column="--out", value=site)])


def _find_tables(folder: Path) -> list[str]:
    names = [path.name for table in dictionary().tables for path in find_files(folder, table)]
    ours = (STORE, MARK, DESCRIPTION, PARAMS_FOLDER)
    return names + [name for name in ours if (folder / name).exists()]


def refuse_other_edition(layout: Layout, edition: str) -> None:
    """Refuse a folder with files that by its ledger, if it can be read, is not of this edition.

    What another edition left, pages and tables, would stay among the new and be sent with them.
    """
    if not layout.site.exists() or all(map(_is_nothing, layout.site.iterdir())):
        return
    there = read_record(layout).get("edition")
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


def _is_nothing(path: Path) -> bool:
    """Tell whether a file is the system's, or the ledger that a killed run was about to begin with."""
    is_unfinished = path.suffix == ".tmp" and not path.name.startswith(f".{LEDGER}.")
    return path.name.startswith(".") and not is_unfinished


def keep_edition(layout: Layout, table: str) -> None:
    """Put the published table aside, with what it is of, if another is about to replace it."""
    try:
        old, record = layout.file(INDICATORS).read_text("utf-8-sig"), read_record(layout)
        origin = write_origin(record["edition"], record["plan"], record["dataset"]["name"])
        made_at = datetime.fromisoformat(record["made_at"]).isoformat()  # it names a file
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


def note_shared(study: Study, again: str, at: str) -> None:
    """Note in the dataset's folder what goes out, and refuse a second share edition of a year.

    Protection is drawn for one edition. Who has two that differ (figures were corrected or came
    late, another plan asks for other sums) can subtract one from the other, and no choice of cells
    that only the second one makes can take back what the first one shows. ``again`` says why one
    goes out all the same, or though what was told cannot be read; it is kept with it.
    """
    if not isinstance(study, RedactedStudy):
        return
    path = study.root / study.params.data / SHARED
    told = _told_by(study)
    earlier = _read_shared(path)
    known = {(year, d) for entry in earlier or () for year, d in entry["years"].items()}
    if earlier is not None and known.issuperset(told.items()):
        return
    others = sorted({year for year, _ in known} & {year for year, _ in told.items() - known})
    if (others or earlier is None) and not again.strip():
        raise InputError([_second(path, others, earlier)])
    plan = f"{study.plan.id} {study.plan.version}"
    entry = {"at": at, "year": study.params.year, "plan": plan, "again": again, "years": told}
    text = json.dumps([*(earlier or ()), entry], ensure_ascii=False, indent=1) + "\n"
    write_atomically(path, text)


def _told_by(study: RedactedStudy) -> dict[str, str]:
    """Return a hash of what an edition tells of each year that its pages show."""
    years = [year for year in study.dataset.years if year <= study.params.year]
    return {str(year): study.digest_of(year) for year in years}


def describe_edition(study: Study) -> dict[str, str]:
    """Return what a ledger notes of the edition: of one to share also a hash of all that it tells."""
    told = {"told": hash_value(_told_by(study))} if isinstance(study, RedactedStudy) else {}
    return {"edition": study.params.edition, **told}


def drop_other_pages(
    records: dict[str, PageRecord], before: dict[str, Any], about: dict[str, Any], layout: Layout
) -> None:
    """Remove the pages that tell of an earlier edition to share, before a page of another is made.

    A run of some units would leave them among the new ones, to be sent and subtracted.
    """
    if "told" in about and before.get("told") != about["told"]:
        for link, record in records.items():
            if record.stale:
                layout.file(link).unlink(missing_ok=True)
                records[link] = record.keep(record.inputs, layout)


def _second(path: Path, years: list[str], earlier: list[dict[str, Any]] | None) -> Problem:
    way = 'Nếu bản trước chưa gửi cho ai, hoặc đã cân nhắc, hãy chạy lại với --again "lý do"'
    if earlier is None:
        message = f"không đọc được sổ ghi các bản chia sẻ đã lập. {way}"
        return error(message, code="shared_unreadable", file=path.name)
    last = [entry for entry in earlier if set(years) & set(entry["years"])][-1]
    message = (
        f"năm {', '.join(years)} đã có một bản chia sẻ khác (lập {last['at'][:10]}, kế hoạch "
        f"{last['plan']}): số liệu hoặc kế hoạch đã đổi. Đặt hai bản cạnh nhau, người đọc có thể trừ"
        f" ra số của một vài người. {way}"
    )
    return error(message, code="second_edition", file=path.name)


def _read_shared(path: Path) -> list[dict[str, Any]] | None:
    """Return what was told before; None where that cannot be read."""
    try:
        entries = json.loads(regular(path).read_text("utf-8"))
        known = [
            {**entry, "at": str(entry["at"]), "plan": str(entry["plan"])}
            for entry in entries
            if all(isinstance(digest, str) for digest in entry["years"].values())
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    return known if isinstance(entries, list) and len(known) == len(entries) else None
