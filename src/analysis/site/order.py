"""What is asked of a run, what came of it, and how a person is told."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from analysis.pages.template import TEMPLATE
from analysis.site.gate import Failure
from analysis.site.layout import INDEX
from analysis.site.ledger import PageRecord

if TYPE_CHECKING:
    from analysis.site.progress import Progress

#: How a page's process begins: as a fork of the warm one, or on its own.
Start = Literal["fork", "spawn"]


@dataclass(frozen=True)
class Order:
    """What is asked of a run.

    Attributes
    ----------
    units : sequence of str, optional
        Only these units' pages; all expected units and the year's page by default.
    jobs : int, optional
        Pages at a time; as many as there are processors by default.
    force : bool
        Make what was asked for even if nothing changed.
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
    progress : bool or callable
        A bar on standard error, nothing, or a function that takes each `Status`.
    start : {"fork", "spawn"}, optional
        How pages' processes begin; the faster safe way by default.
    notebooks : Path, optional
        The notebooks' folder; the project's by default.
    template : Path
        The nbconvert template's folder.
    """

    units: Sequence[str] | None = None
    jobs: int | None = None
    force: bool = False
    scheduler: str | None = None
    again: str | None = None
    briefs: bool = False
    docx: bool = False
    progress: bool | Progress = True
    start: Start | None = None
    notebooks: Path | None = None
    template: Path = TEMPLATE


@dataclass(frozen=True)
class RunOutcome:
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
        ``(unit_id, an area's page, or None for the year's page; name; Failure)`` for each page
        that was asked for and could not be made.
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


def count_outcomes(records: Mapping[str, PageRecord]) -> dict[str, int]:
    """Return how many units have each outcome."""
    of_units = (record for link, record in records.items() if link.startswith("cdcs/"))
    return dict(Counter(record.outcome for record in of_units))


def format_recap(recap: RunOutcome, options: Sequence[str] = ()) -> str:
    """Tell in Vietnamese what came of a run; name each failure and what reruns just those.

    Parameters
    ----------
    recap : RunOutcome
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


def _rerun_command(recap: RunOutcome, options: Sequence[str]) -> str:
    words = ["congdoan", "report", "--year", str(recap.year), *options]
    failed = [page for page, _, _ in recap.failures if page]
    # The year's page is made again with any unit's while it is not good, and alone by a run of
    # everything, in which what is good is left as it is. An area's page is made by such a run only.
    if not any("/" in page for page in failed):
        words += [word for unit_id in failed for word in ("--unit", unit_id)]
    return shlex.join(words)
