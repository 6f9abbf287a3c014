"""How many indicators were met, and what changed since last year or since the last publication."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.findings.finding import Finding
from analysis.redaction import HIDDEN
from analysis.redaction.sensitive import kind_of
from analysis.study import Study

_DECIDED = ("met", "not_met")


@dataclass(frozen=True)
class Tally:
    """Counts of verdicts among whole indicators; parts are not counted.

    ``hidden`` counts those whose verdict the edition withholds.
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


@dataclass(frozen=True)
class Restated:
    """One finding whose verdict or value is another than it was.

    Attributes
    ----------
    finding : Finding
        As it is now.
    verdict : str
        As it was published.
    numerator, denominator : int or None
        As they were published.
    is_bare : bool
        Whether its figures, then and now, are not to be set side by side.
    """

    finding: Finding
    verdict: str
    numerator: int | None
    denominator: int | None
    is_bare: bool = False

    @property
    def is_other_verdict(self) -> bool:
        """Whether the verdict itself is another."""
        return self.verdict != self.finding.verdict


def write_origin(edition: str, plan: Mapping[str, Any], dataset: str) -> str:
    """Return the first line of a kept table: of which edition, plan and data it is.

    Examples
    --------
    >>> write_origin("share", {"id": "nq02", "version": 1}, "Huyện A")
    '# {"dataset": "Huyện A", "edition": "share", "plan": {"id": "nq02", "version": 1}}'
    """
    origin = {"edition": edition, "plan": dict(plan), "dataset": dataset}
    return "# " + json.dumps(origin, ensure_ascii=False, sort_keys=True)


def is_comparable(study: Study, kept: Path) -> bool:
    """Tell whether a kept table is of this study's own edition, plan and data.

    Parameters
    ----------
    study : Study
        As it is now.
    kept : Path
        The kept table, whose first line is `write_origin`'s.
    """
    plan, name = study.plan, study.dataset.description.name
    ours = write_origin(study.params.edition, {"id": plan.id, "version": plan.version}, name)
    try:
        with kept.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == ours
    except (OSError, ValueError):
        return False


def find_restated(study: Study, findings: dict[str, Finding], kept: Path) -> list[Restated]:
    """Compare findings of one scope with a table published before.

    In the edition to share nothing is said of persons or money: the sums of then and now, and even a
    verdict of then, narrow down what one late return brought. What is left are the verdicts on
    counts of units, without the counts.

    Parameters
    ----------
    study : Study
        What the findings are of.
    findings : dict of str to Finding
        By indicator id.
    kept : Path
        A table that `is_comparable`.

    Returns
    -------
    list of Restated
        Whole indicators that differ, those with another verdict first.
    """
    table = pd.read_csv(kept, keep_default_na=False, dtype=str, skiprows=1)
    is_shared = study.params.edition == "share"
    changed = []
    for finding in findings.values():
        rows = table[
            (table["indicator"] == finding.indicator.id)
            & (table["scope"] == finding.scope)
            & (table["scope_id"] == finding.scope_id)
        ]
        is_silent = finding.indicator.is_part or (
            is_shared and kind_of(finding.indicator) != "open"
        )
        if is_silent or rows.empty:
            continue
        before = rows.iloc[0]
        figures = _whole(before["numerator"]), _whole(before["denominator"])
        restated = Restated(finding, before["verdict"], *figures, is_shared)
        is_other = figures != (finding.numerator, finding.denominator) and not is_shared
        if restated.is_other_verdict or is_other:
            changed.append(restated)
    return sorted(changed, key=lambda item: not item.is_other_verdict)


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None
