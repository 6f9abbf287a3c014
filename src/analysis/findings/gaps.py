"""Who closes the gap: the units and communes that hold a missed target's shortfall."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from analysis.findings.finding import Finding
from analysis.redaction import HIDDEN
from analysis.study import Study
from analysis.tables.writing import alphabetically


@dataclass(frozen=True)
class Gap:
    """Where the shortfall of one finding sits.

    Attributes
    ----------
    finding : Finding
        The missed target.
    total : int
        What all units below the target lack: persons, units or đồng. Units above it do not
        make it smaller, so it can exceed the finding's own shortfall.
    units : tuple of (str, int)
        Units and what each lacks, largest first.
    communes, types : tuple of (str, int)
        The same by commune and by unit type.
    is_partial : bool
        Whether the edition withholds what some units lack: they are not in it.
    """

    finding: Finding
    total: int
    units: tuple[tuple[str, int], ...]
    communes: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, int], ...]
    is_partial: bool = False

    @property
    def half(self) -> tuple[tuple[str, int], ...]:
        """The fewest units that together hold at least half of the shortfall."""
        chosen = []
        covered = 0
        for key, size in self.units:
            if 2 * covered >= self.total:
                break
            chosen.append((key, size))
            covered += size
        return tuple(chosen)

    @property
    def covered(self) -> int:
        """What `half` holds."""
        return sum(size for _, size in self.half)


def find_gap(study: Study, finding: Finding) -> Gap:
    """Return where a missed district target's shortfall sits.

    Parameters
    ----------
    study : Study
        Where the units are.
    finding : Finding
        At district scope.

    Returns
    -------
    Gap
        Empty for what has no units (the district's own facts, employers).
    """
    units: list[tuple[str, int]] = []
    is_partial = False
    for row in study.unit_rows(finding.indicator.id, finding.year):
        if row.verdict in ("not_met", HIDDEN) and pd.isna(row.slack):
            is_partial = True
        elif row.verdict == "not_met" and row.slack < 0:
            units.append((str(row.scope_id), -int(row.slack)))
    units.sort(key=lambda pair: (-pair[1], pair[0]))
    return Gap(
        finding,
        sum(size for _, size in units),
        tuple(units),
        _pool(study, finding.year, units, "commune"),
        _pool(study, finding.year, units, "unit_type"),
        is_partial,
    )


def _pool(
    study: Study, year: int, units: list[tuple[str, int]], column: str
) -> tuple[tuple[str, int], ...]:
    sizes: Counter[str] = Counter()
    for key, size in units:
        sizes[str(study.register.at[(year, key), column])] += size
    return tuple(sorted(sizes.items(), key=lambda pair: (-pair[1], alphabetically(pair[0]))))
