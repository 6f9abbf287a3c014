"""What came of a run, and how a person is told."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.site.gate import Failure
from analysis.site.layout import INDEX


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
