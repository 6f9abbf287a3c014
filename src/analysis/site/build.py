"""The main job: one year's site from a study."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from analysis.pages.index import render_index
from analysis.problems import explain_os
from analysis.results.members import why_not_expected
from analysis.site.beside import write_briefs, write_data, write_documents
from analysis.site.editions import (
    describe_edition,
    drop_other_pages,
    indicators_csv,
    keep_edition,
    note_shared,
    refuse_other_edition,
    refuse_place,
    with_surroundings,
)
from analysis.site.engine import Seal
from analysis.site.layout import INDEX, LEDGER, YEAR_PAGE, Layout, hold_alone
from analysis.site.ledger import (
    Failure,
    Ledger,
    Outcome,
    PageRecord,
    find_state,
    hash_beside,
    hash_text,
    left_before,
    library_versions,
    read_details,
    read_pages,
    read_record,
)
from analysis.site.pages import PageJob, Result, choose_start, rehearse, run_jobs, run_on_cluster
from analysis.site.planning import Page, check_asked, plan_pages, read_sources
from analysis.site.run import Order, Progress, RunOutcome, Status, count_outcomes, find_asked
from analysis.study import Study
from analysis.tables.files import write_atomically

#: How often the ledger is saved while pages are being made: what a killed run may have to redo.
_SAVE_SECONDS = 2.0
_BAR = "{desc} |{bar}| {n_fmt}/{total_fmt} trang, còn {remaining}{postfix}"


def build_site(study: Study, out: Path, order: Order, seen: str = "") -> RunOutcome:
    """Make a year's site, or bring it up to date: only pages whose inputs changed are made.

    Parameters
    ----------
    study : Study
        The data, the plan and the settings; ``study.params.year`` is the year.
    out : Path
        The site's folder.
    order : Order
        What is asked for.
    seen : str
        What the study was read from (`analysis.site.ledger.fingerprint`), for the next run to
        see at once that nothing has changed.

    Returns
    -------
    RunOutcome
        A page that could not be made is in it and in the ledger, and stops no other.

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
    with hold_alone(layout.lock):
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
        about = {**_describe(study), "beside": left_before(layout)}
        drop_other_pages(records, record, about, layout)
        ledger = Ledger(about, pages, records, read_details(record) | details)
        asked = [pages[link] for link in find_asked(records, order.units)]
        todo = [page for page in asked if order.force or not records[page.link].is_good]

        if not layout.file(LEDGER).exists():
            _save(ledger, layout)  # the folder says from the start which edition it is of
        write_data(study, table, layout)
        if todo:
            origin = (given, study.root, seen)
            run = partial(_run_jobs, _make_jobs(todo, study, order), order, origin)
            with _shown(order.progress, len(todo)) as show:
                _make_pages(run, ledger, layout, show, len(todo))
        _remove_leftovers(earlier, ledger, layout)
        write_briefs(study, layout, order.units, asked=order.briefs)
        whole = ""
        try:
            # A report that is open in Word may refuse to be written; the site is right all the same.
            write_documents(study, layout, order.units, asked=order.docx)
            whole = seen
        finally:
            listed = ledger.as_record() | {"files": layout.office_files()}
            write_atomically(layout.file(INDEX), render_index(study, listed))
            ledger.about["beside"] = hash_beside(layout, given.year)
            _save(ledger, layout)
            write_atomically(layout.state, find_state(whole, placed, ledger.as_record()))

    failures = tuple(
        (
            None if page.link == YEAR_PAGE else page.given.get("unit_id", page.link),
            page.name,
            failure,
        )
        for page in asked
        if (failure := records[page.link].failure) is not None
    )
    made, seconds = len(todo) - len(failures), time.monotonic() - began
    unchanged = len(asked) - len(todo)
    counts = count_outcomes(records)
    return RunOutcome(given.year, out, counts, made, unchanged, failures, seconds)


def _describe(study: Study) -> dict[str, Any]:
    """Return what the whole site is made from, for its account."""
    described = study.dataset.description
    return {
        **describe_edition(study),
        "year": study.params.year,
        "plan": {"id": study.plan.id, "version": study.plan.version},
        "dataset": {
            "name": described.name,
            "illustrative": described.illustrative,
            "digest": study.dataset.digest,
        },
        "not_expected": _not_expected(study),
        "package": version("congdoan"),
        "libraries": library_versions(),
    }


def _not_expected(study: Study) -> list[dict[str, str]]:
    """Name those who sent a return and do not have to: they have no page, and may not vanish."""
    year = study.params.year
    units = study.register.loc[year]
    sent = units[units["has_return"] & ~units["is_expected"]]
    return [
        {
            "unit_id": str(unit_id),
            "name": row["name"],
            "reason": why_not_expected(row, study.plan, year),
        }
        for unit_id, row in sent.iterrows()
    ]


def _make_jobs(todo: list[Page], study: Study, order: Order) -> list[PageJob]:
    """Return the jobs of pages, and make this process warm for its forks."""
    params, start = study.params, order.start or choose_start()
    seal = Seal(params, str(study.root.resolve())) if params.edition == "share" else None
    jobs = [
        PageJob(
            page=page.link,
            label=page.label,
            notebook=page.source.text,
            parameters=page.source.parameters(params, **page.given),
            cwd=str(page.source.path.parent.resolve()),
            seconds=params.page_seconds,
            megabytes=params.page_megabytes,
            template=order.template,
            start=start,
            seal=seal,
        )
        for page in todo
    ]
    if start == "fork":
        rehearse(study, jobs)
        # What the notebooks import may have started a thread.
        jobs = [replace(job, start=order.start or choose_start()) for job in jobs]
    return jobs


def _run_jobs(
    jobs: list[PageJob], order: Order, origin: tuple[Any, ...], begin: Callable[[PageJob], None]
) -> Generator[Result, None, None]:
    def is_far(job: PageJob) -> bool:
        # The other pages read what lies beside the site, which is here.
        return order.scheduler is not None and "unit_id" in job.parameters

    here = [job for job in jobs if not is_far(job)]
    has_affinity = hasattr(os, "sched_getaffinity")
    processors = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    yield from run_jobs(here, order.jobs or processors, begin)
    if order.scheduler is not None:
        yield from run_on_cluster(list(filter(is_far, jobs)), order.scheduler, *origin)


def _make_pages(
    run: Callable[[Callable[[PageJob], None]], Generator[Result, None, None]],
    ledger: Ledger,
    layout: Layout,
    show: Progress,
    total: int,
) -> None:
    """Make pages, store each one as it comes, and keep the ledger true all along."""
    running: dict[str, str] = {}
    done = failed = 0
    saved = time.monotonic()

    def tell() -> None:
        show(Status(done, total, failed, tuple(running.values())))

    def begin(job: PageJob) -> None:
        running[job.page] = job.label
        tell()

    try:
        with closing(run(begin)) as results:
            for result in results:
                link = result.page
                record = _store(result, ledger.pages[link], ledger.records[link], layout)
                ledger.records[link] = record
                running.pop(link, None)
                done, failed = done + 1, failed + (record.outcome == "failed")
                tell()
                if time.monotonic() - saved > _SAVE_SECONDS:
                    _save(ledger, layout)
                    saved = time.monotonic()
    except BaseException:
        _save(ledger, layout)  # what is done need not be done again
        raise


def _store(result: Result, page: Page, before: PageRecord, layout: Layout) -> PageRecord:
    """Write a result's files; a page that failed or cannot be written leaves the old one there."""
    failure = result.failure
    try:
        if failure is not None and result.executed is not None:
            write_atomically(layout.failed(page.link), result.executed)
        if failure is None and result.html is not None and result.executed is not None:
            write_atomically(layout.executed(page.link), result.executed)
            write_atomically(layout.file(page.link), result.html)
            layout.failed(page.link).unlink(missing_ok=True)
            outcome: Outcome = "published" if page.has_return else "no_return"
            return PageRecord(
                outcome=outcome,
                page=page.link,
                sha256=hash_text(result.html),
                made_at=_now(),
                inputs=page.inputs,
            )
    except OSError as caught:
        failure = failure or Failure(None, f"không ghi được tệp: {explain_os(caught)}")
    failed = {"outcome": "failed", "stale": before.is_there(layout), "failure": failure}
    return before.model_copy(update=failed)


def _save(ledger: Ledger, layout: Layout) -> None:
    ledger.about["made_at"] = _now()
    ledger.save(layout)


def _remove_leftovers(earlier: dict[str, PageRecord], ledger: Ledger, layout: Layout) -> None:
    """Remove the pages of units and areas that are not expected any more, if they are still ours."""
    for link, record in earlier.items():
        if link not in ledger.pages and record.is_there(layout):
            for path in (layout.file(link), layout.executed(link)):
                path.unlink(missing_ok=True)


class _ProgressBar(tqdm):  # type: ignore[misc]
    monitor_interval = 0  # it would be a thread, and pages may still have to be forked


@contextmanager
def _shown(progress: bool | Progress, total: int) -> Iterator[Progress]:
    """Show how far a run is: one line on standard error, or by the caller's own function."""
    if progress is not True:
        yield progress or (lambda status: None)
        return
    _ProgressBar.set_lock(threading.RLock())
    is_live = sys.stderr.isatty()
    bar = _ProgressBar(
        total=total,
        file=sys.stderr,
        bar_format=_BAR,
        mininterval=0.2 if is_live else 30.0,
        dynamic_ncols=is_live,
        leave=is_live,
    )

    def show(status: Status) -> None:
        names = ", ".join(status.running[:3]) + ("…" if len(status.running) > 3 else "")
        bar.set_description_str(f"Đang làm {names}" if names else "Làm trang", refresh=False)
        bar.set_postfix_str(f"lỗi: {status.failed}", refresh=False)
        bar.update(status.done - bar.n)

    with bar:
        yield show


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
