"""The runner's front door: what is asked of a run, what came of it, and how a person is told.

A year's site is brought up to date reading as little as that takes.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from analysis.pages.template import TEMPLATE
from analysis.params import Params
from analysis.site.ledger import (
    INDEX,
    YEAR_PAGE,
    Failure,
    Layout,
    PageRecord,
    find_state,
    fingerprint,
    read_pages,
    read_record,
    unit_page,
)

#: How a page's process begins: as a fork of the warm one, or on its own.
Start = Literal["fork", "spawn"]
_OUTCOMES_VI = {
    "published": "CĐCS có trang",
    "no_return": "CĐCS chưa nộp báo cáo (vẫn có trang)",
    "failed": "CĐCS bị lỗi",
    "not_run": "CĐCS chưa làm trang",
}


@dataclass(frozen=True)
class Order:
    """What is asked of a run."""

    units: Sequence[str] | None = None  # only these units' pages; by default all, and the year's
    jobs: int | None = None  # pages at a time; as many as there are processors by default
    force: bool = False  # make what was asked for even if nothing changed
    # A Dask scheduler's address: the units' pages are made by its workers, with the project's own
    # notebooks and template.
    scheduler: str | None = None
    # Why another share edition of a year goes out, empty for the first one; None where nothing goes
    # out and nothing needs to be noted.
    again: str | None = None
    # Sheets for a visit and messages of these units; the year's Word report, and those of ``units``.
    # What an earlier run wrote is kept up to date in any case.
    briefs: bool = False
    docx: bool = False
    progress: bool = True  # a bar on standard error
    start: Start | None = None  # the faster safe way by default
    notebooks: Path | None = None  # their folder; the project's by default
    template: Path = TEMPLATE  # the nbconvert template's folder


@dataclass(frozen=True)
class RunOutcome:
    """What came of a run."""

    year: int
    site: Path  # as it was given
    outcomes: dict[str, int]  # how many expected units have each, of this run and earlier ones
    made: int
    unchanged: int  # pages that were asked for and good already
    # A unit's id, an area's page, or None for the year's page; whose it is; why it is not there.
    failures: tuple[tuple[str | None, str, Failure], ...]
    seconds: float

    @property
    def is_done(self) -> bool:
        """Whether everything asked for was done."""
        return not self.failures


def run_report(params: Params, root: Path, out: Path, order: Order) -> RunOutcome:
    """Bring a year's site up to date; where nothing has changed, read no table and start no process.

    Parameters
    ----------
    params : Params
        The settings; ``params.year`` is the year.
    root, out : Path
        The project's folder and the site's.
    order : Order
        What is asked for.

    Raises
    ------
    InputError
        If the settings, the plan, the data or a notebook are wrong, or another run is at it.
    """
    seen = fingerprint(params, root, order.notebooks, order.template)
    writes_more = order.force or order.briefs or order.docx
    unchanged = None if writes_more else find_unchanged(params, out, seen, order)
    if unchanged is not None:
        return unchanged
    # With pandas, matplotlib and papermill behind them.
    from analysis.loading import forget, open_study
    from analysis.site.build import build_site

    study = open_study(params, root)
    # What was changed while it was being read is not what was seen.
    if fingerprint(params, root, order.notebooks, order.template) != seen:
        seen = ""
    try:
        return build_site(study, out, order, seen)
    finally:
        # Whoever loads or reports again in this process may have changed the tables meanwhile.
        forget()


def find_unchanged(params: Params, out: Path, seen: str, order: Order) -> RunOutcome | None:
    """Return the recap of a run that has nothing to do, or None if it may have.

    It is found out from bytes alone: beside the site lies one hash of all that a run read (the
    `fingerprint`) and left. Where that is the same, every page is what a new run would make.
    """
    began, layout = time.monotonic(), Layout(out.resolve())
    try:
        left = layout.state.read_text("utf-8")
    except (OSError, ValueError):
        return None
    if not left or left != find_state(seen, layout.place(params), layout):
        return None
    pages = read_pages(read_record(layout))
    asked = [pages.get(link, PageRecord()) for link in find_asked(pages, order.units)]
    if not all(page.is_good for page in asked):
        return None
    seconds = time.monotonic() - began
    return RunOutcome(params.year, out, count_outcomes(pages), 0, len(asked), (), seconds)


def find_asked(records: Mapping[str, PageRecord], units: Sequence[str] | None) -> list[str]:
    """Return the links of the pages that are asked for, the year's first: it takes longest."""
    if units is None:
        return list(records)
    asked = [unit_page(unit_id) for unit_id in dict.fromkeys(units)]
    # The index leads to the year's page: a site cannot do without.
    return asked if records[YEAR_PAGE].is_published else [YEAR_PAGE, *asked]


def count_outcomes(records: Mapping[str, PageRecord]) -> dict[str, int]:
    """Return how many units have each outcome."""
    of_units = (record for link, record in records.items() if link.startswith("cdcs/"))
    return dict(Counter(record.outcome for record in of_units))


def format_recap(recap: RunOutcome, options: Sequence[str] = ()) -> str:
    """Tell in Vietnamese what came of a run; name each failure and what reruns just those.

    The command repeats the further options of the command line as the user typed them.
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


def _rerun_command(recap: RunOutcome, options: Sequence[str]) -> str:
    words = ["congdoan", "report", "--year", str(recap.year), *options]
    failed = [page for page, _, _ in recap.failures if page]
    # The year's page is made again with any unit's while it is not good, and alone by a run of
    # everything, in which what is good is left as it is. An area's page is made by such a run only.
    if not any("/" in page for page in failed):
        words += [word for unit_id in failed for word in ("--unit", unit_id)]
    return shlex.join(words)
