"""The main job: one year's site from a study."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from analysis.atomic import write_atomically
from analysis.params import Params
from analysis.problems import explain_os
from analysis.results.members import why_not_expected
from analysis.site import digests
from analysis.site.beside import write_briefs, write_documents
from analysis.site.cluster import run_on_cluster
from analysis.site.data import write_data
from analysis.site.editions import (
    indicators_csv,
    keep_edition,
    note_shared,
    refuse_other_edition,
    refuse_place,
    with_surroundings,
)
from analysis.site.engine import Start
from analysis.site.gate import Failure
from analysis.site.layout import INDEX, LEDGER, Layout
from analysis.site.ledger import (
    Earlier,
    Ledger,
    Outcome,
    PageRecord,
    hash_text,
    is_good,
    is_there,
    keep,
    read_earlier,
)
from analysis.site.lock import hold_alone
from analysis.site.pages import PageJob, Result, choose_start, rehearse, run_jobs
from analysis.site.planning import Page, Pages, check_asked, plan_pages, read_sources
from analysis.site.progress import Progress, Status, show_bar
from analysis.site.recap import RunOutcome
from analysis.site.seal import Seal
from analysis.site.templates import TEMPLATE, Template
from analysis.site.unchanged import remember
from analysis.study import Study

RenderIndex = Callable[[Study, dict[str, Any]], str]

#: How often the ledger is saved while pages are being made: what a killed run may have to redo.
_SAVE_SECONDS = 2.0


def build_site(
    study: Study,
    out: Path,
    *,
    units: Sequence[str] | None = None,
    jobs: int | None = None,
    force: bool = False,
    progress: bool | Progress = True,
    start: Start | None = None,
    notebooks: Path | None = None,
    template: Template = TEMPLATE,
    render_index: RenderIndex | None = None,
    seen: str | None = None,
    scheduler: str | None = None,
    again: str | None = None,
    briefs: bool = False,
    docx: bool = False,
) -> RunOutcome:
    """Make a year's site, or bring it up to date: only pages whose inputs changed are made.

    Parameters
    ----------
    study : Study
        The data, the plan and the settings; ``study.params.year`` is the year.
    out : Path
        The site's folder.
    units : sequence of str, optional
        Only these units' pages; all expected units and the year's page by default.
    jobs : int, optional
        Pages at a time; as many as there are processors by default.
    force : bool
        Make what was asked for even if nothing changed.
    progress : bool or callable
        A bar on standard error, nothing, or a function that takes each `Status`.
    start : {"fork", "kernel"}, optional
        How kernels are started; the faster safe way by default.
    notebooks : Path, optional
        The notebooks' folder; the project's by default.
    template : Template
        The nbconvert template.
    render_index : callable, optional
        Makes ``index.html`` of the study and the ledger's record.
    seen : str, optional
        What the study was read from (`analysis.site.unchanged.fingerprint`), for the next run to
        see at once that nothing has changed.
    scheduler : str, optional
        A Dask scheduler's address: the units' pages are made by its workers, with the project's
        own notebooks and template.
    again : str, optional
        Why another share edition of a year goes out, empty for the first one; None where nothing
        goes out and nothing needs to be noted.

    briefs : bool
        Write a sheet for a visit and a message of each of these units; what an earlier run wrote
        is kept up to date in any case.
    docx : bool
        Write the year's Word report, and those of ``units``; kept up to date likewise.

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
    sources = read_sources(notebooks or study.root / "notebooks")
    check_asked(study, units)
    given = study.params
    with hold_alone(layout.lock):
        refuse_other_edition(layout, study.params.edition)
        if again is not None:
            note_shared(study, again, _now())
        table = indicators_csv(study)
        keep_edition(layout, table)
        # Another year's site may come to lie beside this one before the run ends.
        placed = layout.place(given)
        study = with_surroundings(study, layout)
        pages = plan_pages(study, sources, template)
        earlier = read_earlier(layout)
        ledger = _open_ledger(study, pages, earlier, layout)
        asked = _choose(pages, units, ledger)
        todo = [page for page in asked if force or not is_good(_entry(ledger, page))]

        if not layout.file(LEDGER).exists():
            _save(ledger, layout)  # the folder says from the start which edition it is of
        write_data(study, table, layout)
        if todo:
            tasks = [_make_job(page, study, template, start or choose_start()) for page in todo]
            if tasks[0].start == "fork":
                rehearse(study, tasks)
                # What the notebooks import may have started a thread.
                tasks = [replace(task, start=start or choose_start()) for task in tasks]
            run = partial(run_jobs, tasks, jobs or _count_processors())
            if scheduler is not None:
                cluster = (scheduler, given, study.root, seen or "")
                run = partial(_run_far, tasks, jobs or _count_processors(), cluster)
            with _shown(progress, len(todo)) as show:
                _make_pages({page.link: page for page in todo}, run, ledger, layout, show)
        _remove_leftovers(earlier, ledger, layout)
        write_briefs(study, layout, units, asked=briefs)
        try:
            # A report that is open in Word may refuse to be written; the site is right all the same.
            write_documents(study, layout, units, asked=docx)
        finally:
            render = render_index or _default_index()
            record = ledger.as_record() | {"files": layout.office_files()}
            write_atomically(layout.file(INDEX), render(study, record))
            _save(ledger, layout)
        if seen:
            remember(layout, placed, seen)

    failures = tuple(
        (page.key, page.name, failure)
        for page in asked
        if (failure := _entry(ledger, page).failure) is not None
    )
    outcomes: dict[str, int] = dict(Counter(entry.outcome for entry in ledger.units.values()))
    made = len(todo) - len(failures)
    seconds = time.monotonic() - began
    return RunOutcome(
        study.params.year, out, outcomes, made, len(asked) - len(todo), failures, seconds
    )


def _choose(pages: Pages, units: Sequence[str] | None, ledger: Ledger) -> list[Page]:
    """Return the pages that were asked for, the year's first: it takes longest."""
    if units is None:
        return list(pages.values())
    asked = [pages[unit_id] for unit_id in dict.fromkeys(units)]
    # The index leads to the year's page: a site cannot do without.
    is_missing = not is_good(replace(ledger.year_page, is_stale=False))
    return [pages[None], *asked] if is_missing else asked


def _open_ledger(study: Study, pages: Pages, earlier: Earlier, layout: Layout) -> Ledger:
    """Return the account as an earlier run left it, with every expected unit of now."""
    about = {
        "edition": study.params.edition,
        "year": study.params.year,
        "plan": {"id": study.plan.id, "version": study.plan.version},
        "dataset": {
            "name": study.dataset.description.name,
            "illustrative": study.dataset.description.illustrative,
            "digest": study.dataset.digest,
        },
        "not_expected": _not_expected(study),
        "package": digests.package_version(),
        "libraries": digests.library_versions(),
    }
    kept = {key: keep(earlier.pages.get(key), page.inputs, layout) for key, page in pages.items()}
    units, areas = (
        {
            key: entry
            for key, entry in kept.items()
            if key and ("scope" in pages[key].given) is is_area
        }
        for is_area in (False, True)
    )
    names = {key: page.name for key, page in pages.items() if key is not None}
    return Ledger(about, kept[None], units, areas, names)


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


def _entry(ledger: Ledger, page: Page) -> PageRecord:
    return ledger.pages[page.key]


def _make_job(page: Page, study: Study, template: Template, start: Start) -> PageJob:
    is_shared = study.params.edition == "share"
    return PageJob(
        page=page.link,
        label=page.label,
        notebook=page.source.text,
        parameters=page.source.parameters(study.params, **page.given),
        cwd=str(page.source.path.parent.resolve()),
        seconds=study.params.page_seconds,
        megabytes=study.params.page_megabytes,
        template=template,
        start=start,
        seal=Seal(study.params, str(study.root.resolve())) if is_shared else None,
    )


def _run_far(
    tasks: Sequence[PageJob],
    at_once: int,
    cluster: tuple[str, Params, Path, str],
    begin: Callable[[PageJob], None],
) -> Generator[Result, None, None]:
    """Make the units' pages on a cluster, and the others here: they read what lies beside the site."""
    of_units = [task for task in tasks if "unit_id" in task.parameters]
    yield from run_jobs(
        [task for task in tasks if "unit_id" not in task.parameters], at_once, begin
    )
    yield from run_on_cluster(of_units, *cluster)


def _make_pages(
    todo: dict[str, Page],
    run: Callable[[Callable[[PageJob], None]], Generator[Result, None, None]],
    ledger: Ledger,
    layout: Layout,
    show: Progress,
) -> None:
    """Make pages, store each one as it comes, and keep the ledger true all along."""
    running: dict[str, str] = {}
    done = failed = 0
    saved = time.monotonic()

    def tell() -> None:
        show(Status(done, len(todo), failed, tuple(running.values())))

    def begin(job: PageJob) -> None:
        running[job.page] = job.label
        tell()

    try:
        with closing(run(begin)) as results:
            for result in results:
                page = todo[result.page]
                entry = _store(result, page, _entry(ledger, page), layout)
                ledger.put(page.key, entry)
                running.pop(result.page, None)
                done, failed = done + 1, failed + (entry.outcome == "failed")
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
            return PageRecord(outcome, page.link, hash_text(result.html), page.inputs, _now())
    except OSError as caught:
        failure = failure or Failure(None, f"không ghi được tệp: {explain_os(caught)}")
    return replace(before, outcome="failed", is_stale=is_there(before, layout), failure=failure)


def _save(ledger: Ledger, layout: Layout) -> None:
    ledger.made_at = _now()
    write_atomically(layout.file(LEDGER), ledger.as_json())


def _remove_leftovers(earlier: Earlier, ledger: Ledger, layout: Layout) -> None:
    """Remove the pages of units and areas that are not expected any more, if they are still ours."""
    for key, entry in earlier.pages.items():
        if key not in ledger.pages and is_there(entry, layout) and entry.page is not None:
            for path in (layout.file(entry.page), layout.executed(entry.page)):
                path.unlink(missing_ok=True)


@contextmanager
def _shown(progress: bool | Progress, total: int) -> Iterator[Progress]:
    if progress is True:
        with show_bar(total) as show:
            yield show
    else:
        yield progress or (lambda status: None)


def _default_index() -> RenderIndex:
    from analysis.pages.index import render_index

    return render_index


def _count_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
