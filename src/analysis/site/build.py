"""The main job: one year's site from a study."""

from __future__ import annotations

import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.problems import InputError, error
from analysis.site import inputs
from analysis.site.atomic import write_atomically
from analysis.site.editions import indicators_csv, keep_edition, with_surroundings
from analysis.site.engine import Start
from analysis.site.export import TEMPLATE, Template
from analysis.site.gate import Failure
from analysis.site.layout import INDEX, INDICATORS, LEDGER, UNITS, YEAR_PAGE, Layout, unit_page
from analysis.site.ledger import (
    Earlier,
    Entry,
    Ledger,
    Outcome,
    hash_text,
    is_good,
    is_there,
    keep,
    read_earlier,
)
from analysis.site.notebooks import (
    UNIT_NOTEBOOK,
    YEAR_NOTEBOOK,
    Source,
    read_source,
)
from analysis.site.pages import Result, Task
from analysis.site.pool import choose_start, run_tasks
from analysis.site.progress import Progress, Status, show_bar
from analysis.site.rehearsal import rehearse
from analysis.study import Study

RenderIndex = Callable[[Study, dict[str, Any]], str]

#: How often the ledger is saved while pages are being made: what a killed run may have to redo.
_SAVE_SECONDS = 2.0


@dataclass(frozen=True)
class Recap:
    """What came of a run.

    Attributes
    ----------
    year : int
        The year.
    site : Path
        The site's folder as it was given.
    outcomes : dict of str to int
        How many expected units have each outcome, of this run and earlier ones.
    made, unchanged : int
        Pages made in this run, and pages asked for that were good already.
    failures : tuple
        ``(unit_id or None for the year's page, name, Failure)`` for each page that was asked for
        and could not be made.
    seconds : float
        Wall time.
    """

    year: int
    site: Path
    outcomes: dict[str, int]
    made: int
    unchanged: int
    failures: tuple[tuple[str | None, str, Failure], ...]
    seconds: float

    @property
    def is_done(self) -> bool:
        """Whether everything asked for was done."""
        return not self.failures


@dataclass(frozen=True)
class _Page:
    """A page that the site should have."""

    link: str
    unit_id: str | None
    name: str
    source: Source
    inputs: dict[str, str]
    has_return: bool = True

    @property
    def label(self) -> str:
        return self.unit_id or "trang năm"


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
) -> Recap:
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

    Returns
    -------
    Recap
        A page that could not be made is in it and in the ledger, and stops no other.

    Raises
    ------
    InputError
        Before anything starts: a unit that is not expected that year, a year without units, a
        notebook whose parameters do not fit.
    """
    began = time.monotonic()
    layout = Layout(out.resolve())
    table = indicators_csv(study)
    keep_edition(layout, table)
    study = with_surroundings(study, layout)
    pages = _plan_pages(study, notebooks or study.root / "notebooks", template)
    asked = _choose(pages, units, study)
    earlier = read_earlier(layout)
    ledger = _open_ledger(study, pages, earlier, layout)
    if units is not None and not is_good(replace(ledger.year_page, is_stale=False)):
        asked = [pages[None], *asked]  # the index leads to it: a site cannot do without
    todo = [page for page in asked if force or not is_good(_entry(ledger, page))]

    _write_data(study, table, layout)
    if todo:
        tasks = [_make_task(page, study, template, start or choose_start()) for page in todo]
        if tasks[0].start == "fork":
            rehearse(study, tasks)
            # What the notebooks import may have started a thread.
            tasks = [replace(task, start=start or choose_start()) for task in tasks]
        _make_pages(todo, tasks, ledger, layout, jobs or _count_processors(), progress)
    _save(ledger, layout)
    _remove_leftovers(earlier, ledger, layout)
    render = render_index or _default_index()
    write_atomically(layout.file(INDEX), render(study, ledger.as_record()))

    failures = tuple(
        (page.unit_id, page.name, failure)
        for page in asked
        if (failure := _entry(ledger, page).failure) is not None
    )
    outcomes: dict[str, int] = dict(Counter(entry.outcome for entry in ledger.units.values()))
    made = len(todo) - len(failures)
    seconds = time.monotonic() - began
    return Recap(study.params.year, out, outcomes, made, len(asked) - len(todo), failures, seconds)


def format_recap(recap: Recap, options: Sequence[str] = ()) -> str:
    """Tell in Vietnamese what came of a run; name each failure and what reruns just those.

    Parameters
    ----------
    recap : Recap
        From `build_site`.
    options : sequence of str
        Further options of the command line as the user typed them, for the command to repeat.
    """
    counts = {name: recap.outcomes.get(name, 0) for name in _OUTCOMES_VI}
    told = ", ".join(f"{count} {_OUTCOMES_VI[name]}" for name, count in counts.items() if count)
    lines = [
        f"Năm {recap.year}: {told}.",
        f"Đã làm {recap.made} trang, giữ nguyên {recap.unchanged} trang không có gì thay đổi, "
        f"trong {recap.seconds:.0f} giây.",
    ]
    if recap.failures:
        lines.append(f"LỖI ở {len(recap.failures)} trang:")
        for unit_id, name, failure in recap.failures:
            lines.append(f"  {unit_id} ({name}): {failure}" if unit_id else f"  {name}: {failure}")
        lines += ["Làm lại đúng những trang này bằng lệnh:", f"  {_rerun_command(recap, options)}"]
    lines.append(f"Mở xem: {recap.site / INDEX}")
    return "\n".join(lines)


_OUTCOMES_VI = {
    "published": "CĐCS có trang",
    "no_return": "CĐCS chưa nộp báo cáo (vẫn có trang)",
    "failed": "CĐCS bị lỗi",
    "not_run": "CĐCS chưa làm trang",
}


def _rerun_command(recap: Recap, options: Sequence[str]) -> str:
    words = ["congdoan", "report", "--year", str(recap.year), *options]
    for unit_id, _, _ in recap.failures:
        # The year's page is made again with any unit's while it is not good, and alone by a run
        # of everything, in which what is good is left as it is.
        words += ["--unit", unit_id] if unit_id else []
    return shlex.join(words)


def _plan_pages(study: Study, notebooks: Path, template: Template) -> dict[str | None, _Page]:
    """Return every page of the site by unit id, the year's own by None."""
    year = study.params.year
    expected = study.expected_units(year)
    if expected.empty:
        known = ", ".join(map(str, study.dataset.years))
        message = f"không có CĐCS nào phải báo cáo trong năm này; dữ liệu có các năm: {known}"
        raise InputError([error(message, code="no_year", column="year", value=year)])
    year_source = read_source(notebooks / YEAR_NOTEBOOK, ["year"])
    unit_source = read_source(notebooks / UNIT_NOTEBOOK, ["unit_id", "year"])
    shared = inputs.shared_inputs(study, template)
    for_year = shared | inputs.notebook_inputs(year_source, study)
    for_unit = shared | inputs.notebook_inputs(unit_source, study)
    pages: dict[str | None, _Page] = {
        None: _Page(
            YEAR_PAGE, None, f"Trang năm {year}", year_source, for_year | inputs.year_inputs(study)
        )
    }
    for unit_id, row in expected.iterrows():
        key = str(unit_id)
        own = inputs.unit_inputs(unit_source, study, key)
        pages[key] = _Page(
            unit_page(key), key, row["name"], unit_source, for_unit | own, bool(row["has_return"])
        )
    return pages


def _choose(
    pages: dict[str | None, _Page], units: Sequence[str] | None, study: Study
) -> list[_Page]:
    """Return the pages that were asked for, the year's first: it takes longest."""
    if units is None:
        return list(pages.values())
    year = study.params.year
    unknown = [unit_id for unit_id in units if unit_id not in pages]
    if unknown:
        registered = set(study.register.loc[year].index)
        message = {
            True: f"CĐCS này có trong danh sách năm {year} nhưng không thuộc diện phải báo cáo",
            False: f"không có CĐCS này trong danh sách năm {year}",
        }
        raise InputError(
            error(message[name in registered], code="no_unit", column="unit_id", value=name)
            for name in unknown
        )
    return [pages[unit_id] for unit_id in dict.fromkeys(units)]


def _open_ledger(
    study: Study, pages: dict[str | None, _Page], earlier: Earlier, layout: Layout
) -> Ledger:
    """Return the account as an earlier run left it, with every expected unit of now."""
    about = {
        "year": study.params.year,
        "plan": {"id": study.plan.id, "version": study.plan.version},
        "dataset": {
            "name": study.dataset.description.name,
            "illustrative": study.dataset.description.illustrative,
            "digest": study.dataset.digest,
        },
        "package": inputs.package_version(),
        "libraries": inputs.library_versions(),
    }
    kept = {
        key: keep(earlier.units.get(key) if key else earlier.year_page, page.inputs, layout)
        for key, page in pages.items()
    }
    units = {key: entry for key, entry in kept.items() if key is not None}
    return Ledger(about, kept[None], units, {key: pages[key].name for key in units})


def _entry(ledger: Ledger, page: _Page) -> Entry:
    return ledger.year_page if page.unit_id is None else ledger.units[page.unit_id]


def _make_task(page: _Page, study: Study, template: Template, start: Start) -> Task:
    more = {} if page.unit_id is None else {"unit_id": page.unit_id}
    return Task(
        page=page.link,
        label=page.label,
        notebook=page.source.text,
        parameters=page.source.parameters(study.params, **more),
        cwd=str(page.source.path.parent.resolve()),
        seconds=study.params.page_seconds,
        template=template,
        start=start,
    )


def _make_pages(
    todo: Sequence[_Page],
    tasks: Sequence[Task],
    ledger: Ledger,
    layout: Layout,
    jobs: int,
    progress: bool | Progress,
) -> None:
    """Make pages, store each one as it comes, and keep the ledger true all along."""
    page_of = {page.link: page for page in todo}
    running: dict[str, str] = {}
    done = failed = 0
    saved = time.monotonic()
    with _shown(progress, len(todo)) as show:

        def begin(task: Task) -> None:
            running[task.page] = task.label
            show(Status(done, len(todo), failed, tuple(running.values())))

        try:
            with closing(run_tasks(tasks, jobs, begin)) as results:
                for result in results:
                    page = page_of[result.page]
                    entry = _store(result, page, _entry(ledger, page), layout)
                    _enter(ledger, page, entry)
                    running.pop(result.page, None)
                    done, failed = done + 1, failed + (entry.outcome == "failed")
                    show(Status(done, len(todo), failed, tuple(running.values())))
                    if time.monotonic() - saved > _SAVE_SECONDS:
                        _save(ledger, layout)
                        saved = time.monotonic()
        except BaseException:
            _save(ledger, layout)  # what is done need not be done again
            raise


def _store(result: Result, page: _Page, before: Entry, layout: Layout) -> Entry:
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
            return Entry(outcome, page.link, hash_text(result.html), page.inputs, _now())
    except OSError as caught:
        failure = failure or Failure(None, f"không ghi được tệp: {caught.strerror}")
    return replace(before, outcome="failed", is_stale=is_there(before, layout), failure=failure)


def _enter(ledger: Ledger, page: _Page, entry: Entry) -> None:
    if page.unit_id is None:
        ledger.year_page = entry
    else:
        ledger.units[page.unit_id] = entry


def _save(ledger: Ledger, layout: Layout) -> None:
    ledger.made_at = _now()
    write_atomically(layout.file(LEDGER), ledger.as_json())


def _write_data(study: Study, table: str, layout: Layout) -> None:
    """Write the tables beside the pages."""
    year = study.params.year
    write_atomically(layout.file(INDICATORS), table)
    units = study.expected_units(year).drop(columns="is_expected").reset_index()
    units.insert(0, "year", year)
    if study.params.edition == "share":
        withheld = [study.hidden_columns(key, year) for key in units["unit_id"]]
        units["hidden"] = [";".join(names) for names in withheld]
    write_atomically(layout.file(UNITS), _as_csv(units))


def _as_csv(table: pd.DataFrame) -> str:
    """Return a table as the dataset's own files are written: lower-case words for yes and no."""
    table = table.copy()
    for name in table.columns[table.dtypes.map(pd.api.types.is_bool_dtype)]:
        table[name] = table[name].map({True: "true", False: "false"})
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text


def _remove_leftovers(earlier: Earlier, ledger: Ledger, layout: Layout) -> None:
    """Remove the pages of units that are not expected any more, if they are still ours."""
    for unit_id, entry in earlier.units.items():
        if unit_id not in ledger.units and is_there(entry, layout):
            for path in (layout.file(unit_page(unit_id)), layout.executed(unit_page(unit_id))):
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
