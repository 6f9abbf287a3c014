"""What has changed since the edition that was published before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.findings.finding import Finding


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
    """

    finding: Finding
    verdict: str
    numerator: int | None
    denominator: int | None

    @property
    def is_other_verdict(self) -> bool:
        """Whether the verdict itself is another."""
        return self.verdict != self.finding.verdict


def find_restated(findings: dict[str, Finding], edition: Path) -> list[Restated]:
    """Compare findings of one scope with a table published before.

    Parameters
    ----------
    findings : dict of str to Finding
        By indicator id.
    edition : Path
        An indicator table as CSV.

    Returns
    -------
    list of Restated
        Whole indicators that differ, those with another verdict first.
    """
    table = pd.read_csv(edition, keep_default_na=False, dtype=str)
    changed = []
    for finding in findings.values():
        rows = table[
            (table["indicator"] == finding.indicator.id)
            & (table["scope"] == finding.scope)
            & (table["scope_id"] == finding.scope_id)
        ]
        if finding.indicator.is_part or rows.empty:
            continue
        before = rows.iloc[0]
        numerator, denominator = _whole(before["numerator"]), _whole(before["denominator"])
        then = (before["verdict"], numerator, denominator)
        if then != (finding.verdict, finding.numerator, finding.denominator):
            changed.append(Restated(finding, *then))
    return sorted(changed, key=lambda item: not item.is_other_verdict)


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None
