"""The main job: one year's site from a study, and what lies beside its pages, of the same figures."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from analysis.findings.finding import write_origin
from analysis.handouts.brief import make_brief, render_briefs, write_message
from analysis.pages.index import render_index
from analysis.params import PARAMS_FOLDER
from analysis.problems import InputError, Problem, error, explain_os
from analysis.redaction import RedactedStudy
from analysis.results.members import why_not_expected
from analysis.site.engine import PageJob, Result, Seal
from analysis.site.ledger import (
    BRIEFS,
    INDEX,
    INDICATORS,
    LEDGER,
    MESSAGES,
    UNITS,
    YEAR_PAGE,
    Failure,
    Layout,
    Ledger,
    PageRecord,
    brief_page,
    find_state,
    hash_text,
    hash_value,
    hold_alone,
    library_versions,
    message_file,
    read_details,
    read_pages,
    read_record,
    word_file,
)
from analysis.site.notebooks import read_sources
from analysis.site.pages import choose_start, rehearse, run_jobs, run_on_cluster
from analysis.site.planning import (
    Page,
    check_asked,
    indicators_csv,
    plan_pages,
    with_surroundings,
)
from analysis.site.run import Order, RunOutcome, count_outcomes, find_asked
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.files import DESCRIPTION, MARK, STORE, find_files, regular, write_atomically
from analysis.tables.writing import harmless

#: How often the ledger is saved while pages are being made: what a killed run may have to redo.
_SAVE_SECONDS = 2.0
_BAR = "{desc} |{bar}| {n_fmt}/{total_fmt} trang, còn {remaining}{postfix}"
#: Beside the tables: what share editions of them have told, so that no second one slips out.
SHARED = "shared.json"
_EDITIONS = {"internal": "bản nội bộ", "share": "bản chia sẻ"}
#: These tables are opened by people: without it Excel would not see that they are UTF-8.
_BOM = "\ufeff"


def build_site(study: Study, out: Path, order: Order, seen: str = "") -> RunOutcome:
    """Make a year's site, or bring it up to date: only pages whose inputs changed are made.

    ``study.params.year`` is the year. ``seen`` is what the study was read from
    (`analysis.site.ledger.fingerprint`), for the next run to see at once that nothing has changed. A
    page that could not be made is in the outcome and in the ledger, and stops no other.

    Raises
    ------
    InputError
        Before anything starts: a unit that is not expected that year, a year without units, a
        notebook whose parameters do not fit, another run that is writing to the folder, a folder
        that is not this edition's or holds tables, a second share edition of a year.
    """
    began = time.monotonic()
    layout = Layout(out.resolve())
    refuse_place(study, layout.site)
    sources = read_sources(order.notebooks or study.root / "notebooks")
    check_asked(study, order.units)
    given = study.params
    with hold_alone(layout.notebooks / ".lock"):
        refuse_other_edition(layout, given.edition)
        if order.again is not None:
            note_shared(study, order.again, _now())
        table = indicators_csv(study)
        keep_edition(layout, table)
        # Another year's site may come to lie beside this one before the run ends.
        placed = layout.place(given)
        study = with_surroundings(study, layout)
        pages, details = plan_pages(study, sources, order.template)
        record = read_record(layout)
        earlier = read_pages(record)
        records = {
            link: earlier.get(link, PageRecord()).keep(page.inputs, layout)
            for link, page in pages.items()
        }
        about = {**_describe(study), "beside": sorted(_left_before(layout))}
        drop_other_pages(records, record, about, layout)
        ledger = Ledger(about, pages, records, read_details(record) | details)
        asked = [pages[link] for link in find_asked(records, order.units)]
        todo = [page for page in asked if order.force or not records[page.link].is_good]

        if not layout.file(LEDGER).exists():
            ledger.save(layout, _now())  # the folder says from the start which edition it is of
        write_data(study, table, layout)
        if todo:
            jobs = _make_jobs(todo, study, order)
            _make_pages(jobs, order, (given, study.root, seen), ledger, layout)
        _remove_leftovers(earlier, ledger, layout)
        write_briefs(study, layout, order.units, asked=order.briefs)
        whole = ""
        try:
            # A report that is open in Word may refuse to be written; the site is right all the same.
            write_documents(study, layout, order.units, asked=order.docx)
            whole = seen
        finally:
            about["beside"] = list_handouts(layout, given.year)
            listed = ledger.as_record() | {"files": layout.office_files()}
            write_atomically(layout.file(INDEX), render_index(study, listed))
            ledger.save(layout, _now())
            write_atomically(layout.state, find_state(whole, placed, layout))

    failures = tuple(
        (page.given.get("unit_id", None if page.link == YEAR_PAGE else page.link), page.name, wrong)
        for page in asked
        if (wrong := records[page.link].failure) is not None
    )
    made, seconds = len(todo) - len(failures), time.monotonic() - began
    unchanged = len(asked) - len(todo)
    return RunOutcome(given.year, out, count_outcomes(records), made, unchanged, failures, seconds)


def _describe(study: Study) -> dict[str, Any]:
    """Return what the whole site is made from, for its account.

    Those who sent a return and do not have to are named: they have no page, and may not vanish. Of an
    edition to share there is a hash of all that it tells.
    """
    year, described = study.params.year, study.dataset.description
    units = study.register.loc[year]
    sent = units[units["has_return"] & ~units["is_expected"]]
    about = {
        "edition": study.params.edition,
        "year": year,
        "plan": {"id": study.plan.id, "version": study.plan.version},
        "dataset": {
            "name": described.name,
            "illustrative": described.illustrative,
            "digest": study.dataset.digest,
        },
        "not_expected": [
            {
                "unit_id": str(unit_id),
                "name": row["name"],
                "reason": why_not_expected(row, study.plan, year),
            }
            for unit_id, row in sent.iterrows()
        ],
        "package": version("congdoan"),
        "libraries": library_versions(),
    }
    if isinstance(study, RedactedStudy):
        about["told"] = hash_value(_told_by(study))
    return about


def _make_jobs(todo: list[Page], study: Study, order: Order) -> list[PageJob]:
    """Return the jobs of pages, and make this process warm for its forks."""
    params = study.params
    jobs = [
        PageJob(
            page=page.link,
            notebook=page.source.text,
            parameters=page.source.parameters(params, **page.given),
            cwd=str(page.source.path.parent.resolve()),
            seconds=params.page_seconds,
            megabytes=params.page_megabytes,
            template=order.template,
            start=order.start,
            seal=Seal(params, str(study.root.resolve())) if params.edition == "share" else None,
        )
        for page in todo
    ]
    if (order.start or choose_start()) == "fork":
        rehearse(study, jobs)
    return jobs


def _make_pages(
    jobs: list[PageJob], order: Order, origin: tuple[Any, ...], ledger: Ledger, layout: Layout
) -> None:
    """Make pages, store each one as it comes, and keep the ledger true all along."""
    running: dict[str, str] = {}
    failed, saved = 0, time.monotonic()

    def begin(job: PageJob) -> None:
        running[job.page] = ledger.pages[job.page].label
        bar.tell([*running.values()], failed, 0)

    try:
        with (
            _ProgressBar(len(jobs), is_shown=order.progress) as bar,
            closing(_run_jobs(jobs, order, origin, begin)) as results,
        ):
            for result in results:
                link = result.page
                record = _store(result, ledger.pages[link], ledger.records[link], layout)
                ledger.records[link] = record
                running.pop(link, None)
                failed += record.outcome == "failed"
                bar.tell([*running.values()], failed, 1)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    ledger.save(layout, _now())
                    saved = time.monotonic()
    except BaseException:
        ledger.save(layout, _now())  # what is done need not be done again
        raise


def _run_jobs(
    jobs: list[PageJob], order: Order, origin: tuple[Any, ...], begin: Callable[[PageJob], None]
) -> Generator[Result, None, None]:
    def is_far(job: PageJob) -> bool:
        # The other pages read what lies beside the site, which is here.
        return order.scheduler is not None and "unit_id" in job.parameters

    has_affinity = hasattr(os, "sched_getaffinity")
    processors = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    here = [job for job in jobs if not is_far(job)]
    yield from run_jobs(here, order.jobs or processors, begin)
    if order.scheduler is not None:
        yield from run_on_cluster(list(filter(is_far, jobs)), order.scheduler, *origin)


def _store(result: Result, page: Page, before: PageRecord, layout: Layout) -> PageRecord:
    """Write a result's files; a page that failed or cannot be written leaves the old one there."""
    failure, failed = result.failure, layout.executed(page.link, ".failed.ipynb")
    try:
        if failure is not None and result.executed is not None:
            write_atomically(failed, result.executed)
        if failure is None and result.html is not None and result.executed is not None:
            write_atomically(layout.executed(page.link), result.executed)
            write_atomically(layout.file(page.link), result.html)
            failed.unlink(missing_ok=True)
            return PageRecord(
                outcome="published" if page.has_return else "no_return",
                page=page.link,
                sha256=hash_text(result.html),
                made_at=_now(),
                inputs=page.inputs,
            )
    except OSError as caught:
        failure = failure or Failure(None, f"không ghi được tệp: {explain_os(caught)}")
    told = {"outcome": "failed", "stale": before.is_there(layout), "failure": failure}
    return before.model_copy(update=told)


def _remove_leftovers(earlier: dict[str, PageRecord], ledger: Ledger, layout: Layout) -> None:
    """Remove the pages of units and areas that are not expected any more, if they are still ours."""
    for link, record in earlier.items():
        if link not in ledger.pages and record.is_there(layout):
            for path in (layout.file(link), layout.executed(link)):
                path.unlink(missing_ok=True)


class _ProgressBar(tqdm):  # type: ignore[misc]
    """One line on standard error: how far a run is, and what is being made."""

    monitor_interval = 0  # it would be a thread, and pages may still have to be forked

    def __init__(self, total: int, *, is_shown: bool) -> None:
        self.set_lock(threading.RLock())
        is_live = sys.stderr.isatty()
        super().__init__(
            total=total,
            disable=not is_shown,
            bar_format=_BAR,
            mininterval=0.2 if is_live else 30.0,
            dynamic_ncols=is_live,
            leave=is_live,
        )

    def tell(self, running: Sequence[str], failed: int, done: int) -> None:
        names = ", ".join(running[:3]) + ("…" if len(running) > 3 else "")
        self.set_description_str(f"Đang làm {names}" if names else "Làm trang", refresh=False)
        self.set_postfix_str(f"lỗi: {failed}", refresh=False)
        self.update(done)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# --- Beside the pages ----------------------------------------------------------------------------


def write_data(study: Study, table: str, layout: Layout) -> None:
    """Write the year's indicators, a table as CSV, and its units."""
    year = study.params.year
    write_atomically(layout.file(INDICATORS), _BOM + table)
    units = study.expected_units(year).drop(columns="is_expected").reset_index()
    units.insert(0, "year", year)
    if study.params.edition == "share":
        withheld = [study.hidden_columns(key, year) for key in units["unit_id"]]
        units["hidden"] = [";".join(names) for names in withheld]
    write_atomically(layout.file(UNITS), as_csv(units))


def as_csv(table: pd.DataFrame) -> str:
    """Return a table as the dataset's own files are written, but safe to open in a spreadsheet."""
    table = table.copy()
    for name in table.columns[table.dtypes.map(pd.api.types.is_bool_dtype)]:
        table[name] = table[name].map({True: "true", False: "false"})
    for name in table.columns[table.dtypes.map(pd.api.types.is_string_dtype)]:
        table[name] = table[name].map(harmless, na_action="ignore")
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return _BOM + text


def write_briefs(study: Study, layout: Layout, units: Sequence[str] | None, *, asked: bool) -> None:
    """Write these units' sheets and messages if they are asked for, and renew those that were there.

    Sheets of units that need not report any more go; so do those of a selection when another is
    asked for. None that is left tells other figures than the pages.
    """
    expected = [str(key) for key in study.expected_units(study.params.year).index]
    left = {*_left_before(layout), *list_handouts(layout, study.params.year)}
    there = [key for key in expected if brief_page(key) in left]
    wanted = (expected if units is None else list(dict.fromkeys(units))) if asked else there
    for pattern in (brief_page("*"), message_file("*")):
        for path in layout.site.glob(pattern):
            if path.name.partition(".brief")[0].removesuffix(".txt") not in wanted:
                path.unlink()
    if not wanted:
        for name in (BRIEFS, MESSAGES):
            layout.file(name).unlink(missing_ok=True)
        return
    briefs = [make_brief(study, key) for key in wanted]
    texts = [write_message(study, brief) for brief in briefs]
    for brief, text in zip(briefs, texts, strict=True):
        write_atomically(layout.file(brief_page(brief.unit_id)), render_briefs(study, [brief]))
        write_atomically(layout.file(message_file(brief.unit_id)), text + "\n")
    write_atomically(layout.file(BRIEFS), render_briefs(study, briefs))
    rows = pd.DataFrame({"unit_id": wanted, "name": [b.name for b in briefs], "message": texts})
    write_atomically(layout.file(MESSAGES), as_csv(rows))


def write_documents(
    study: Study, layout: Layout, units: Sequence[str] | None, *, asked: bool
) -> None:
    """Write the year's Word report and these units' if asked for, and renew those that were there.

    What somebody has changed in Word is never lost: where a report is asked for again it is kept
    under another name, and it stays as it is where it is not.
    """
    year = study.params.year
    expected = study.expected_units(year).index
    wanted = dict.fromkeys(["", *(units or ())] if asked else ())
    there = {path.stem: path for path in layout.site.glob(word_file(year, "*"))}
    if layout.file(word_file(year)).exists():
        there[""] = layout.file(word_file(year))
    left = _left_before(layout)
    gone = [key for key in ("", *expected) if word_file(year, key) in left and key not in there]
    if not wanted and not there and not gone:
        return
    # Whoever never asks for one does not wait for python-docx.
    from analysis.handouts.document import is_edited
    from analysis.handouts.word import write_unit, write_year

    edited = {key for key, path in there.items() if is_edited(path)}
    for key, path in there.items():
        if key in edited and key in wanted:
            path.rename(_free_name(path))
        elif key and key not in edited and key not in expected:
            path.unlink()
    renewed = [key for key in there if key not in edited and (not key or key in expected)]
    for key in dict.fromkeys([*wanted, *renewed, *gone]):
        made = write_unit(study, key) if key else write_year(study)
        write_atomically(layout.file(word_file(year, key)), made)


def list_handouts(layout: Layout, year: int) -> list[str]:
    """Return the links to the sheets, messages and Word reports that are there."""
    patterns = (BRIEFS, MESSAGES, brief_page("*"), message_file("*"), word_file(year))
    found = (path for name in (*patterns, word_file(year, "*")) for path in layout.site.glob(name))
    return sorted(path.relative_to(layout.site).as_posix() for path in found)


def _left_before(layout: Layout) -> list[str]:
    """Return what the last run left of that."""
    known = read_record(layout).get("beside")
    return [str(link) for link in known] if isinstance(known, list | dict) else []


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.da-sua-{n}.docx") for n in count(1))
    return next(name for name in names if not name.exists())


# --- Editions ------------------------------------------------------------------------------------


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
