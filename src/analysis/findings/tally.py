"""How many indicators were met, missed and left open; which changed sides since the year before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.findings.finding import Finding
from analysis.redaction import HIDDEN

_DECIDED = ("met", "not_met")


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

    @property
    def judged(self) -> int:
        """How many the year passes a verdict on."""
        return self.met + self.not_met + self.undetermined


def tally(year: int, findings: Iterable[Finding]) -> Tally:
    """Count the verdicts of a year."""
    counts = Counter(f.verdict for f in findings if not f.indicator.is_part)
    return Tally(year, counts["met"], counts["not_met"], counts["undetermined"], counts[HIDDEN])


@dataclass(frozen=True)
class Sides:
    """Two years' verdicts over the same indicators.

    Attributes
    ----------
    year : int
        The year before.
    both : int
        How many indicators, parts apart, both years decided.
    before, now : int
        How many of them were met.
    won, lost : tuple of Finding
        Those of this year that are met now and were not, and the other way round.
    """

    year: int
    both: int
    before: int
    now: int
    won: tuple[Finding, ...]
    lost: tuple[Finding, ...]


def compare_sides(now: Mapping[str, Finding], before: Mapping[str, Finding]) -> Sides | None:
    """Compare a year's verdicts with the year before; None where no indicator was decided in both.

    Parameters
    ----------
    now, before : mapping of str to Finding
        The findings of one scope by indicator, from `analysis.findings.find` and `find_before`.

    Examples
    --------
    >>> from analysis import load
    >>> from analysis.findings import find, find_before
    >>> study = load(2024)
    >>> of = ("district", study.plan.issuer.id, 2024)
    >>> sides = compare_sides(find(study, *of), find_before(study, *of)[0])
    >>> sides.now - sides.before == len(sides.won) - len(sides.lost)
    True
    """
    pairs = [
        (finding, before[key].verdict == "met")
        for key, finding in now.items()
        if finding.verdict in _DECIDED
        and not finding.indicator.is_part
        and key in before
        and before[key].verdict in _DECIDED
    ]
    if not pairs:
        return None
    return Sides(
        pairs[0][0].year - 1,
        len(pairs),
        sum(was_met for _, was_met in pairs),
        sum(finding.verdict == "met" for finding, _ in pairs),
        tuple(f for f, was_met in pairs if f.verdict == "met" and not was_met),
        tuple(f for f, was_met in pairs if f.verdict == "not_met" and was_met),
    )
