"""How many indicators were met, missed and left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.findings.finding import Finding
from analysis.redaction import HIDDEN


@dataclass(frozen=True)
class Tally:
    """Counts of verdicts among whole indicators; parts are not counted.

    ``hidden`` are those whose verdict the edition withholds.
    """

    year: int
    met: int
    not_met: int
    undetermined: int
    hidden: int = 0
    before: Tally | None = None

    @property
    def judged(self) -> int:
        """How many the year passes a verdict on."""
        return self.met + self.not_met + self.undetermined


def tally(year: int, findings: Iterable[Finding], before: Iterable[Finding] = ()) -> Tally:
    """Count the verdicts of a year, with the year before beside it where it has any."""
    earlier = tally(year - 1, before) if before else None
    counts = Counter(f.verdict for f in findings if not f.indicator.is_part)
    return Tally(
        year,
        counts["met"],
        counts["not_met"],
        counts["undetermined"],
        counts[HIDDEN],
        earlier if earlier and earlier.judged else None,
    )
